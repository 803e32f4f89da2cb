/** The connect hook: what it says is checked, remembered for so long as it allows, and asked for with bounds. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { beforeEach, test } from "node:test";
import { RevocationList, Settings } from "@plexus/runtime";
import { deferred, silent } from "@plexus/runtime/testing";
import { authenticator } from "./authenticator.js";
import { ConnectHook, type HookOptions } from "./hook.js";
import { HookCache } from "./hook-cache.js";
import type { JsonAnswer, JsonRequest } from "./http.js";

const OPTIONS: HookOptions = {
  url: "http://app.example/plexus",
  secret: "a secret of at least 32 characters",
  deadlineMs: 2_000,
  concurrency: 2,
  gateway: "g1",
};

let now: number;
let requests: JsonRequest[];
let answer: () => Promise<JsonAnswer>;
let hook: ConnectHook;

beforeEach(() => {
  now = 1_000_000;
  requests = [];
  hook = new ConnectHook(OPTIONS, {
    ask: (_url, request) => {
      requests.push(request);
      return answer();
    },
    now: () => now,
    log: silent,
  });
  says({});
});

function says(more: object, status = 200): void {
  const body = { user: "zoe", tenant: "acme", caps: { "chat.>": ["sub"] }, expires: 2_000_000, ...more };
  answer = () => Promise.resolve({ status, body });
}

test("who it is, as the application says, to a signed question", async () => {
  says({ issued: 5, id: "s1" });
  const identity = await hook.verify("opaque", { address: "192.0.2.7" });
  assert.deepEqual(
    [identity.user, identity.tenant, identity.expiresAt, identity.issuedAt, identity.tokenId],
    ["zoe", "acme", 2_000_000, 5, "s1"],
  );
  assert.ok(identity.capabilities.allows("sub", "chat.a"));
  assert.equal(identity.capabilities.allows("pub", "chat.a"), false);
  const { method, headers, body } = requests[0]!;
  assert.equal(method, "POST");
  assert.deepEqual(JSON.parse(body!), { token: "opaque", gateway: "g1", address: "192.0.2.7" });
  const expected = createHmac("sha256", OPTIONS.secret!).update(`1000.${body}`).digest("hex");
  assert.equal(headers!["plexus-timestamp"], "1000");
  assert.equal(headers!["plexus-signature"], `v1=${expected}`);
});

test("401 and 403 are unauthorized, an end that is past is token_expired", async () => {
  for (const status of [401, 403]) {
    says({}, status);
    await assert.rejects(hook.verify(`opaque ${status}`), { code: "unauthorized" });
  }
  says({ expires: now });
  await assert.rejects(hook.verify("late"), { code: "token_expired" });
});

test("an answer that makes no sense, an error and silence are unavailable, never a welcome", async () => {
  const wrong: Array<() => Promise<JsonAnswer>> = [
    () => Promise.resolve({ status: 200, body: undefined }),
    () => Promise.resolve({ status: 200, body: { user: "zoe", tenant: "acme" } }),
    () => Promise.resolve({ status: 200, body: { user: "zoe", tenant: "acme", expires: "soon" } }),
    () => Promise.resolve({ status: 500, body: { user: "zoe", tenant: "acme", expires: 2_000_000 } }),
    () => Promise.reject(new Error("timeout")),
  ];
  for (answer of wrong) {
    const one = new ConnectHook(OPTIONS, { ask: () => answer(), now: () => now, log: silent });
    await assert.rejects(one.verify("opaque"), { code: "unavailable" });
  }
  for (const more of [
    { tenant: "ACME" },
    { user: "" },
    { caps: { "a..b": ["sub"] } },
    { caps: { a: ["admin"] } },
  ]) {
    says(more);
    await assert.rejects(hook.verify("opaque"), { code: "unauthorized" });
  }
});

test("after failures in a row it is left alone for a while", async () => {
  answer = () => Promise.reject(new Error("away"));
  for (let i = 0; i < 10; i++) await assert.rejects(hook.verify(`t${i}`), { code: "unavailable" });
  assert.equal(requests.length, 3);
});

test("refusals do not count as failures", async () => {
  says({}, 401);
  for (let i = 0; i < 10; i++) await assert.rejects(hook.verify(`t${i}`), { code: "unauthorized" });
  assert.equal(requests.length, 10);
});

test("so many questions at once; the others wait; the same token is one question", async () => {
  const { promise, resolve } = deferred();
  answer = async () => {
    await promise;
    return { status: 401, body: undefined };
  };
  const all = ["a", "b", "c", "a"].map((token) =>
    assert.rejects(hook.verify(token), { code: "unauthorized" }),
  );
  await new Promise((next) => setImmediate(next));
  assert.equal(requests.length, 2);
  resolve();
  await Promise.all(all);
  assert.equal(requests.length, 3);
});

test("it is believed for as long as it says, but not beyond the token's end", async () => {
  says({ cacheMs: 5_000 });
  for (let i = 0; i < 3; i++) await hook.verify("opaque");
  assert.equal(requests.length, 1);
  await hook.verify("another");
  assert.equal(requests.length, 2);
  now += 5_000;
  says({ cacheMs: 5_000, expires: now + 100 });
  await hook.verify("opaque");
  assert.equal(requests.length, 3);
  now += 100;
  await assert.rejects(hook.verify("opaque"), { code: "token_expired" });
});

test("without cacheMs it is asked each time", async () => {
  for (let i = 0; i < 3; i++) await hook.verify("opaque");
  assert.equal(requests.length, 3);
});

test("a revoked user is refused whatever is remembered, and a tenant with keys of its own is not the hook's", async () => {
  says({ cacheMs: 60_000 });
  const [settings, revocations] = [new Settings(), new RevocationList()];
  const jwt = () => Promise.reject(new Error("no JWT"));
  const verify = authenticator({ jwt, hook: hook.verify, settings, revocations });
  await verify("opaque");
  settings.putTenant("acme", { keys: [{ secret: "a secret of at least 32 characters" }] });
  await assert.rejects(verify("opaque"), { code: "unauthorized", message: /keys of its own/ });
  settings.putTenant("acme", { suspended: true });
  await assert.rejects(verify("opaque"), { code: "forbidden" });
  settings.putTenant("acme", null);
  await verify("opaque");
  revocations.put({ tenant: "acme", user: "zoe", before: now, until: Date.now() + 60_000 });
  await assert.rejects(verify("opaque"), { code: "unauthorized", message: /revoked/ });
  assert.equal(requests.length, 1);
});

test("what looks like a JWT never goes to the hook", async () => {
  const jwt = () => Promise.reject(new Error("looked at as a JWT"));
  const context = { settings: new Settings(), revocations: new RevocationList() };
  const verify = authenticator({ jwt, hook: hook.verify, ...context });
  const header = Buffer.from('{"alg":"none"}').toString("base64url");
  for (const token of [`${header}.e30.x`, `${header}.e30.`])
    await assert.rejects(verify(token), /looked at as a JWT/);
  assert.equal(requests.length, 0);
  for (const token of ["a.b.c", "opaque", "a b", `${header}.e30`]) await verify(token);
  assert.equal(requests.length, 4);
});

test("the memory of answers is bounded, and the oldest goes first", () => {
  const cache = new HookCache<number>(2);
  for (const [i, key] of ["a", "b", "c"].entries()) cache.put(key, i, 10);
  assert.deepEqual(
    [cache.size, cache.get("a", 0), cache.get("b", 0), cache.get("c", 0)],
    [2, undefined, 1, 2],
  );
  assert.equal(cache.get("c", 10), undefined);
  assert.equal(cache.size, 1);
});
