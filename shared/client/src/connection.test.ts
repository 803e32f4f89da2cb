/** The connection: handshake, endings, tokens, liveness, batching. Each test plays its gateway. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { Plexus } from "./index.js";
import { PlexusError } from "./index.js";
import { connect, type ScriptedGateway, startGateway, until } from "./testing/scripted-gateway.js";

let gateway: ScriptedGateway;
beforeEach(async () => {
  gateway = await startGateway();
});
afterEach(() => gateway.stop());

const connected = (client: Plexus) => connect(gateway, client);

/** A JWT that ends `seconds` from now; nobody here checks its signature. */
function tokenFor(seconds: number, name: string): string {
  const claims = { sub: name, exp: Date.now() / 1_000 + seconds };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${name}`;
}

test("connects with the token, says where it is, and closes", async () => {
  const client = gateway.client();
  const idle = client.state;
  assert.equal(idle.name, "idle");
  const opening = client.connect();
  const peer = await gateway.accept();
  const hello = await peer.welcome({ gateway: "gw-7" });
  await opening;
  assert.equal(hello.token, "token");
  const state = client.state;
  assert.ok(state.name === "connected");
  assert.deepEqual([state.gateway, state.user, state.conn], ["gw-7", "ann", "c1"]);
  client.close();
  assert.equal(await peer.closed, 1000);
  assert.deepEqual(client.state, { name: "closed" });
});

test("comes back after a lost connection, with the same token, and says so", async () => {
  let fetched = 0;
  const client = gateway.client({ token: () => `token-${++fetched}` });
  const states: string[] = [];
  client.on("state", (state) => states.push(state.name));
  const first = await connected(client);
  first.kill();
  const second = await gateway.accept();
  assert.equal((await second.welcome()).token, "token-1");
  await until(() => client.state.name === "connected", "connected again");
  assert.equal(states[0], "connecting");
  assert.deepEqual([...new Set(states)], ["connecting", "connected", "reconnecting"]);
});

test("a refused connection is tried again, and the state says when", async () => {
  const client = gateway.client();
  const opening = client.connect();
  (await gateway.accept()).close(4002);
  await until(() => client.state.name === "connecting" && client.state.retryAt !== null, "waiting");
  await (await gateway.accept()).welcome();
  await opening;
});

test("a token refused for good ends in failed; connect() starts anew", async () => {
  const tokens = ["bad", "good"];
  const client = gateway.client({ token: () => tokens.shift() ?? "none left" });
  const opening = client.connect();
  (await gateway.accept()).close(4501, "token refused");
  await assert.rejects(opening, { code: "unauthorized" });
  assert.ok(client.state.name === "failed" && client.state.error instanceof PlexusError);
  const again = client.connect();
  assert.equal((await (await gateway.accept()).welcome()).token, "good");
  await again;
});

test("an expired token is replaced at once", async () => {
  let fetched = 0;
  const client = gateway.client({ token: () => `token-${++fetched}` });
  const peer = await connected(client);
  peer.send({ op: "bye", code: "token_expired", reason: "token expired", reconnect: null });
  peer.close(4502, "token expired");
  assert.equal((await (await gateway.accept()).welcome()).token, "token-2");
});

test("a hello answered with token_expired asks for another token; a function that has none gives up", async () => {
  let fetched = 0;
  const client = gateway.client({
    token: () => {
      fetched += 1;
      if (fetched > 2) throw new PlexusError("unauthorized", "signed out");
      return `token-${fetched}`;
    },
  });
  const opening = client.connect();
  const refused = assert.rejects(opening, { code: "unauthorized", message: "signed out" });
  for (const expected of ["token-1", "token-2"]) {
    const peer = await gateway.accept();
    const hello = await peer.take("hello");
    assert.equal(hello.token, expected);
    peer.send({ op: "err", id: hello.id, code: "token_expired", message: "expired" });
  }
  await refused;
});

test("a token function that always brings expired tokens is not asked for ever", async () => {
  const client = gateway.client();
  const refused = assert.rejects(client.connect(), { code: "token_expired" });
  for (let i = 0; i < 6; i++) (await gateway.accept()).close(4502);
  await refused;
});

test("a token function that fails is asked again", async () => {
  let calls = 0;
  const client = gateway.client({
    token: async () => {
      calls += 1;
      if (calls === 1) throw new TypeError("fetch failed");
      return "token";
    },
  });
  const warnings: PlexusError[] = [];
  client.on("warning", (warning) => warnings.push(warning));
  await connected(client);
  assert.equal(calls, 2);
  assert.equal(warnings[0]?.code, "unavailable");
});

test("renews the token before it ends, on the same connection", async () => {
  let fetched = 0;
  const client = gateway.client({
    token: () => tokenFor(fetched === 0 ? 3 : 3_600, `t${++fetched}`),
    tokenRefreshMarginMs: 60_000,
  });
  const peer = await connected(client);
  const auth = await peer.take("auth");
  assert.match(auth.token, /\.t2$/);
  peer.send({ op: "ok", id: auth.id, expires: Date.now() + 3_600_000 });
  assert.equal(client.state.name, "connected");
});

test("a token that is no JWT is renewed by the gateway's word for its end", async () => {
  let fetched = 0;
  const client = gateway.client({ token: () => `opaque-${++fetched}` });
  const opening = client.connect();
  const peer = await gateway.accept();
  await peer.welcome({ expires: Date.now() + 500 });
  await opening;
  for (const expected of ["opaque-2", "opaque-3"]) {
    const auth = await peer.take("auth");
    assert.equal(auth.token, expected);
    peer.send({ op: "ok", id: auth.id, expires: Date.now() + 1_500 });
  }
  assert.equal(client.state.name, "connected");
});

test("a hello that can't be answered now: comes back in the time that the good-bye names, with the same token", async () => {
  for (const [code, name] of [
    [4005, "unavailable"],
    [4006, "limit_reached"],
  ] as const) {
    let fetched = 0;
    const client = gateway.client({
      token: () => `token-${++fetched}`,
      backoffBaseMs: 8_000,
      backoffMaxMs: 9_000,
    });
    const opening = client.connect();
    const peer = await gateway.accept();
    const { id } = await peer.take("hello");
    peer.send({ op: "err", id, code: name, message: "not now", retry: 4_000 });
    peer.send({ op: "bye", code: name, reason: "not now", reconnect: { min: 20, max: 30 } });
    peer.close(code, "not now");
    assert.equal((await (await gateway.accept()).welcome()).token, "token-1");
    await opening;
    client.close();
  }
});

test("a tenant that is suspended: failed, and not tried again", async () => {
  const client = gateway.client();
  const opening = client.connect();
  const peer = await gateway.accept();
  const { id } = await peer.take("hello");
  peer.send({ op: "err", id, code: "forbidden", message: "the tenant may not use this installation" });
  peer.send({ op: "bye", code: "suspended", reason: "the tenant may not connect", reconnect: null });
  peer.close(4505, "the tenant may not connect");
  await assert.rejects(opening, { code: "forbidden" });
  assert.equal(client.state.name, "failed");
});

test("a renewal that is refused is warned of and tried again with another token", async () => {
  let fetched = 0;
  const client = gateway.client({ token: () => tokenFor(fetched === 0 ? 3 : 3_600, `t${++fetched}`) });
  const warned = new Promise<PlexusError>((resolve) => client.once("warning", resolve));
  const peer = await connected(client);
  const auth = await peer.take("auth");
  peer.send({ op: "err", id: auth.id, code: "unauthorized", message: "not this one" });
  assert.equal((await warned).code, "unavailable");
  assert.match((await peer.take("auth")).token, /\.t3$/);
});

test("pings a quiet gateway, and leaves a silent one", async () => {
  const client = gateway.client({ pongTimeoutMs: 2_000 });
  const opening = client.connect();
  const peer = await gateway.accept();
  await peer.welcome({ ping: 50 });
  await opening;
  await peer.take("ping");
  peer.send({ op: "pong" });
  await peer.take("ping");
  await (await gateway.accept()).welcome();
  await until(() => client.state.name === "connected" && client.state.conn === "c2", "moved to another");
});

test("wake: connects at once instead of waiting, and doubts a connection that is up", async () => {
  const client = gateway.client({ backoffBaseMs: 60_000, backoffMaxMs: 60_000, probeTimeoutMs: 50 });
  const first = await connected(client);
  first.kill();
  await until(() => client.state.name === "reconnecting", "reconnecting");
  client.wake();
  const second = await gateway.accept();
  await second.welcome();
  await until(() => client.state.name === "connected", "connected");
  client.wake();
  await second.take("ping");
  await until(() => client.state.name === "reconnecting", "given up");
});

test("a gateway that takes too long to welcome is left", async () => {
  const client = gateway.client({ connectTimeoutMs: 2_000 });
  const opening = client.connect();
  await (await gateway.accept()).take("hello");
  await (await gateway.accept()).welcome();
  await opening;
});

test("what is sent in one turn is one message, within the gateway's limits", async () => {
  const client = gateway.client();
  const peer = await connected(client);
  const before = peer.batches.length;
  const names = Array.from({ length: 150 }, (_, i) => `chat.c${i}`);
  for (const name of names) void client.channel(name).subscribe();
  for (let i = 0; i < names.length; i++) await peer.sub();
  assert.deepEqual(peer.batches.slice(before), [100, 50]);
});

test("rubbish from the gateway, unknown frames and errors without an id", async () => {
  const client = gateway.client();
  const warnings: string[] = [];
  client.on("warning", (warning) => warnings.push(warning.code));
  const peer = await connected(client);
  peer.send({ op: "later" } as never, { op: "err", code: "bad_request", message: "unknown op" });
  await until(() => warnings.length === 1, "a warning");
  assert.equal(warnings[0], "bad_request");
  peer.send("no object" as never, { op: "ok", id: 999 });
  const asked = client.channel("chat.a").history();
  const { id } = await peer.take("history");
  peer.send({ op: "ok", id, epoch: "e1", messages: [], more: false });
  assert.deepEqual(await asked, { epoch: "e1", messages: [], more: false });
});

test("closing rejects what waits, and nothing more happens", async () => {
  const client = gateway.client();
  const peer = await connected(client);
  const channel = client.channel("chat.a");
  const publish = assert.rejects(channel.publish(1), { code: "unavailable" });
  const history = assert.rejects(channel.history(), { code: "unavailable" });
  const subscribe = assert.rejects(channel.subscribe(), { code: "unavailable" });
  client.close();
  await Promise.all([publish, history, subscribe, peer.closed]);
});
