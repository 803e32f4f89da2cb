/** Who gets in, seen from outside: the admin process itself, over HTTP and HTTPS. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Broker, selfSigned, startNats, until } from "@plexus/runtime/testing";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
const [READER, OPERATOR] = ["r".repeat(32), "o".repeat(32)];
/** Percent-encoded bytes that are no UTF-8. */
const MALFORMED = "/v1/tenants/demo/channels/%E0%A4%A";
const TOKENS = `looker:read:${READER},ops:${OPERATOR}`;

let nats: Broker;
let plain: Admin;
const folder = mkdtempSync(join(tmpdir(), "plexus-test-admin-"));
const children: ChildProcess[] = [];

before(async () => {
  nats = await startNats();
  plain = await start({});
});
after(async () => {
  for (const child of children) {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  await nats.stop();
  rmSync(folder, { recursive: true });
});

interface Admin {
  url: string;
  lines: Array<Record<string, unknown>>;
}

function run(env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      NATS_URL: nats.url,
      PLEXUS_ADMIN_PORT: "0",
      PLEXUS_ADMIN_TOKEN: TOKENS,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  return child;
}

/** An admin process that listens, and the lines that it logs. */
async function start(env: Record<string, string>): Promise<Admin> {
  const lines: Admin["lines"] = [];
  let rest = "";
  run(env).stdout?.on("data", (data: Buffer) => {
    const parts = (rest + data.toString()).split("\n");
    rest = parts.pop()!;
    lines.push(...parts.map((line) => JSON.parse(line) as Record<string, unknown>));
  });
  const ready = await until("the admin API to be ready", () =>
    lines.find(({ msg }) => msg === "admin API is ready"),
  );
  return { url: `${ready.tls ? "https" : "http"}://127.0.0.1:${String(ready.port)}`, lines };
}

interface Asking {
  method?: string;
  token?: string;
  path?: string;
  body?: string;
  from?: string;
}

function ask(
  { url }: Admin,
  { method = "GET", token, path = "/v1/settings", body, from }: Asking,
): Promise<Response> {
  return fetch(url + path, {
    method,
    headers: {
      connection: "close",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(from === undefined ? {} : { "x-forwarded-for": from }),
    },
    ...(body === undefined ? {} : { body }),
  });
}

const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

test("a token with the role read looks, and changes nothing", async () => {
  for (const token of [READER, OPERATOR]) assert.equal((await ask(plain, { token })).status, 200);
  for (const [method, path] of [
    ["PUT", "/v1/settings"],
    ["PATCH", "/v1/settings"],
    ["POST", "/v1/settings/check"],
    ["DELETE", "/v1/tenants/acme/settings"],
    ["POST", "/v1/tokens/revoke"],
    ["POST", "/v1/cells/eu-1/drain"],
  ] as const) {
    const refused = await ask(plain, { method, path, token: READER, body: "{}" });
    assert.deepEqual([refused.status, await codeOf(refused)], [403, "forbidden"], `${method} ${path}`);
  }
  assert.equal((await ask(plain, { method: "PUT", token: OPERATOR, body: "{}" })).status, 200);
  const audited = plain.lines.filter(({ audit }) => audit === true);
  const line = audited.find(({ action }) => action === "settings.put");
  assert.deepEqual([line?.who, line?.role, line?.outcome], ["looker", "read", "forbidden"]);
  assert.ok(
    audited.some(({ who, role, outcome }) => who === "ops" && role === "operate" && outcome === "ok"),
  );
});

test("a path that no call can have is refused as everything is, in the words of the catalogue", async () => {
  for (const [path, message] of [
    [MALFORMED, /no valid URL/],
    [`/v1/tenants/demo/channels/${"x".repeat(3_000)}`, /too long/],
  ] as const) {
    const refused = await ask(plain, { token: READER, path });
    const { error } = (await refused.json()) as { error: { code: string; message: string } };
    assert.deepEqual([refused.status, error.code], [400, "bad_request"], path);
    assert.match(error.message, message);
  }
});

test("OpenAPI says which role each call needs", async () => {
  type Call = { description: string; security: Array<{ token: string[] }> };
  const { paths } = (await (await ask(plain, { path: "/openapi.json" })).json()) as {
    paths: Record<string, Record<string, Call>>;
  };
  for (const [path, methods] of Object.entries(paths))
    for (const [method, { description, security }] of Object.entries(methods)) {
      const role = method === "get" ? "read" : "operate";
      assert.match(description, new RegExp(`the role ${role}`), path);
      assert.deepEqual(security, [{ token: [role] }], path);
    }
});

test("every answer tells browsers to run nothing of it, to show it nowhere and to keep it not", async () => {
  for (const asking of [
    { token: READER },
    {},
    { token: READER, path: "/nowhere" },
    { path: "/openapi.json" },
    { token: READER, method: "PUT", body: "{}" },
    { token: OPERATOR, method: "PUT", body: "{" },
    { path: MALFORMED },
  ]) {
    const response = await ask(plain, asking);
    await response.body?.cancel();
    const { headers } = response;
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'; frame-ancestors 'none'/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cache-control"), "no-store");
  }
});

test("the console is there for everybody, and runs nothing but what is its own", async () => {
  for (const path of ["/", "/console"]) {
    const moved = await fetch(plain.url + path, { redirect: "manual", headers: { connection: "close" } });
    assert.deepEqual([moved.status, moved.headers.get("location")], [302, "/console/"], path);
  }
  for (const [path, type] of [
    ["/console/", "text/html; charset=utf-8"],
    ["/console/console.js", "text/javascript; charset=utf-8"],
    ["/console/style.css", "text/css; charset=utf-8"],
    ["/console/favicon.svg", "image/svg+xml"],
  ] as const) {
    const page = await ask(plain, { path });
    const { headers } = page;
    assert.deepEqual([page.status, headers.get("content-type")], [200, type], path);
    const policy = headers.get("content-security-policy") ?? "";
    assert.ok(!/unsafe|\*|data:|https?:/.test(policy), policy);
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
    ])
      assert.ok(policy.includes(rule), `${path}: ${rule}`);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin");
    assert.match(headers.get("permissions-policy") ?? "", /camera=\(\)/);
    const text = await page.text();
    if (path === "/console/")
      assert.doesNotMatch(text, /<script(?![^>]*src=)|<style|style=|\son\w+=|https?:/);
    const known = { "if-none-match": headers.get("etag")!, connection: "close" };
    assert.equal((await fetch(plain.url + path, { headers: known })).status, 304, path);
  }
  assert.equal((await ask(plain, { path: "/console/nowhere.js" })).status, 401);
});

test("a program learns whose token it has, and its role", async () => {
  for (const [token, me] of [
    [READER, { name: "looker", role: "read" }],
    [OPERATOR, { name: "ops", role: "operate" }],
  ] as const)
    assert.deepEqual(await (await ask(plain, { token, path: "/v1/me" })).json(), me);
  assert.equal((await ask(plain, { path: "/v1/me" })).status, 401);
});

test("who guesses tokens has to wait, and others don't; not even the right one is told", async () => {
  const from = "203.0.113.9";
  const wrong = "w".repeat(32);
  for (let i = 0; i < 20; i++) assert.equal((await ask(plain, { token: wrong, from })).status, 401);
  for (const token of [wrong, READER]) {
    const refused = await ask(plain, { token, from });
    assert.deepEqual([refused.status, await codeOf(refused)], [429, "rate_limited"]);
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  }
  assert.equal((await ask(plain, { token: READER, from: "203.0.113.10" })).status, 200);
  assert.equal((await ask(plain, { token: READER })).status, 200);
  const spoofed = await ask(plain, { token: wrong, from: `198.51.100.7, ${from}` });
  assert.equal(spoofed.status, 429, "what the client says of itself does not count");
});

test("with a certificate it speaks TLS 1.2 or newer, and nothing else", async () => {
  const { certFile, keyFile, cert } = selfSigned(folder);
  const admin = await start({ PLEXUS_ADMIN_TLS_CERT_FILE: certFile, PLEXUS_ADMIN_TLS_KEY_FILE: keyFile });
  const get = (options: object) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${READER}` };
      const asked = request(
        `${admin.url}/v1/settings`,
        { headers, agent: false, ca: cert, ...options },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      asked.once("error", reject);
      asked.end();
    });
  assert.equal(await get({}), 200);
  assert.equal(await get({ maxVersion: "TLSv1.2" }), 200);
  await assert.rejects(get({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }));
  await assert.rejects(get({ ca: [] }));
  await assert.rejects(fetch(admin.url.replace("https", "http")));
});

test("without TLS it listens on this machine only, unless somebody says that this is meant", async () => {
  for (const host of ["0.0.0.0", "::", "10.0.0.1"]) {
    const child = run({ PLEXUS_ADMIN_HOST: host });
    const [said, [code]] = await Promise.all([text(child.stderr!), once(child, "exit")]);
    assert.equal(code, 2);
    assert.match(said, /PLEXUS_ADMIN_HOST: .* without TLS/);
  }
  const admin = await start({ PLEXUS_ADMIN_HOST: "0.0.0.0", PLEXUS_ADMIN_INSECURE: "true" });
  assert.equal((await ask(admin, { token: READER })).status, 200);
  const half = run({ PLEXUS_ADMIN_TLS_CERT_FILE: "/nowhere/cert.pem" });
  const [, [code]] = await Promise.all([text(half.stderr!), once(half, "exit")]);
  assert.equal(code, 2);
});
