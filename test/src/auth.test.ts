/** Who is let in, by what, for how long; and that nobody learns how. Two gateways, and an application's own server. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Plexus } from "@plexus/client";
import type { WelcomeFrame } from "@plexus/protocol";
import { createLogger, SettingsStore } from "@plexus/runtime";
import { deferred, inTime, untilQuick } from "@plexus/runtime/testing";
import { WebSocket } from "ws";
import { Admin } from "./harness/admin.js";
import { AuthServer, type IssuerKey, issuerKey, signBy } from "./harness/auth-server.js";
import { TestCluster } from "./harness/cluster.js";
import { RawClient } from "./harness/raw-client.js";
import { EVERYTHING, signToken } from "./harness/tokens.js";
import { until, within } from "./harness/wait.js";

const HOOK_SECRET = "the secret that hook questions are signed with";
const OWN_SECRET = "the secret of the tenant that has one of its own";
const ORIGIN = "https://chat.example";
const MAX_AGE_MS = 1_000;
/** The hook answers from this very process: only where it is silent it may not do so in time. */
const HOOK_DEADLINE_MS = 6_000;
const TOLERANCE_MS = 1_000;
/** Of tokens that are renewed: a client that is held up meanwhile is still in time. */
const SHORT_LIFE_MS = 8_000;
/** Longer than three of them. */
const RENEWALS_WITHIN_MS = 60_000;

let server: AuthServer;
let cluster: TestCluster;
let settings: SettingsStore;
let key: IssuerKey;
/** Every token that was said to the cluster, and every secret: none may be found in a log. */
const said = new Set([HOOK_SECRET, OWN_SECRET]);

before(async () => {
  server = await AuthServer.start(HOOK_SECRET);
  key = await issuerKey("ES256", "first");
  server.keys = [key];
  cluster = new TestCluster({
    admin: true,
    gateways: 2,
    env: { PLEXUS_LOG_LEVEL: "trace" },
    gatewayEnv: {
      PLEXUS_JWKS_URL: `${server.url}/jwks`,
      PLEXUS_JWKS_MAX_AGE_MS: String(MAX_AGE_MS),
      PLEXUS_JWKS_COOL_DOWN_MS: "100",
      PLEXUS_CONNECT_HOOK_URL: `${server.url}/connect`,
      PLEXUS_CONNECT_HOOK_SECRET: HOOK_SECRET,
      PLEXUS_CONNECT_HOOK_DEADLINE_MS: String(HOOK_DEADLINE_MS),
      PLEXUS_CLOCK_TOLERANCE_MS: String(TOLERANCE_MS),
      PLEXUS_ORIGINS: ORIGIN,
      PLEXUS_QUERY_TOKENS: "true",
    },
  });
  await cluster.start();
  said.add(cluster.dev.tokenSecret);
  settings = await SettingsStore.open(await cluster.nats(), createLogger("test", "test", "fatal"));
  cluster.beforeStop(() => settings.stop());
});
after(async () => {
  await cluster.stop();
  await server.stop();
});

/** A socket that said hello with this token. */
async function greet(token: string): Promise<RawClient> {
  said.add(token);
  const client = await cluster.open();
  client.send({ op: "hello", id: client.nextId(), token });
  return client;
}

async function welcomed(token: string): Promise<RawClient> {
  const client = await greet(token);
  client.welcome = (await client.until("the welcome", ({ op }) => op === "welcome")) as WelcomeFrame & {};
  return client;
}

async function refused(token: string, code: string, closeCode: number): Promise<RawClient> {
  const client = await greet(token);
  await client.closedWith(closeCode);
  assert.equal((client.frames[0] as { code?: unknown }).code, code);
  return client;
}

/** One connection with this token on each gateway. */
async function onBoth(token: string): Promise<RawClient[]> {
  const found = new Map<string, RawClient>();
  await until("a connection on each gateway", async () => {
    const client = await welcomed(token);
    if (found.has(client.gateway)) client.cut();
    else found.set(client.gateway, client);
    return found.size === 2;
  });
  return [...found.values()];
}

function opaque(name: string, more: object = {}): string {
  const token = `opaque-token-of-${name}-${Math.random().toString(36).slice(2)}`;
  const caps = { ">": EVERYTHING };
  said.add(token);
  server.known.set(token, { user: name, tenant: "demo", caps, expires: Date.now() + 3_600_000, ...more });
  return token;
}

/** Resolves once both are closed with 4501. */
async function closedBoth(clients: RawClient[], revoke: () => Promise<unknown>): Promise<void> {
  await revoke();
  await Promise.all(clients.map((client) => client.closedWith(4501, "unauthorized")));
}

test("keys of a JWKS: a new one is taken without a restart, one that is removed is not any more", async () => {
  const first = await signBy(key, "ada");
  assert.equal((await welcomed(first)).welcome?.user, "ada");
  const next = await issuerKey("EdDSA", "second");
  const second = await signBy(next, "bob");
  await refused(second, "unauthorized", 4501);
  server.keys = [key, next];
  await until("the new key", async () => {
    const client = await greet(second);
    return (await client.until("an answer", () => true)).op === "welcome";
  });
  server.keys = [next];
  await until("the end of the old key", async () => {
    const client = await greet(first);
    return (await client.until("an answer", () => true)).op === "err";
  });
  await welcomed(second);
  key = next;
});

test("a tenant's own keys sign for it alone, and nobody else's for it", async () => {
  await settings.putTenant("own", { keys: [{ secret: OWN_SECRET }] });
  const own = await signToken(OWN_SECRET, "ada", { tenant: "own" });
  said.add(own);
  await until("the tenant's key", async () => {
    const client = await greet(own);
    return (await client.until("an answer", () => true)).op === "welcome";
  });
  await refused(await cluster.token("ada", { tenant: "own" }), "unauthorized", 4501);
  await refused(await signBy(key, "ada", { tenant: "own" }), "unauthorized", 4501);
  await refused(await signToken(OWN_SECRET, "ada", { tenant: "demo" }), "unauthorized", 4501);
});

test("where no key can be had: unavailable, and the client is to come again (4005)", async () => {
  await settings.putTenant("lost", { keys: [{ jwks: "http://127.0.0.1:9/jwks" }] });
  const token = await signBy(key, "ada", { tenant: "lost" });
  await until("the tenant's keys", async () => {
    const client = await greet(token);
    return ((await client.until("an answer", () => true)) as { code?: string }).code === "unavailable";
  });
  const client = await refused(token, "unavailable", 4005);
  const [err, bye] = client.frames as unknown as [
    { retry: number },
    { reconnect: { min: number; max: number } },
  ];
  assert.ok(err.retry > 0);
  assert.ok(bye.reconnect.min > 0 && bye.reconnect.max > bye.reconnect.min);
});

test("the connect hook answers for tokens that are no JWTs, with all that a token can say", async () => {
  const token = opaque("carl", { caps: { "chat.>": ["sub"] } });
  const client = await welcomed(token);
  assert.deepEqual([client.welcome?.user, client.welcome?.tenant], ["carl", "demo"]);
  await client.sub("chat.hook");
  await client.refused({ op: "pub", ch: "chat.hook", data: 1 }, "forbidden");
  await client.ok({ op: "auth", token: opaque("carl") });
  await client.pub("chat.hook", 1);
  await client.refused({ op: "auth", token: opaque("dora") }, "forbidden");
  await refused("opaque-token-of-nobody", "unauthorized", 4501);
  assert.equal(server.asked.unsigned, 0);
});

test("of two tokens that are shown at once the later one counts, though its check ends sooner", async () => {
  const client = await welcomed(opaque("gina"));
  const [former, newer] = [opaque("gina"), opaque("gina", { caps: { "chat.>": ["sub"] } })];
  const held = deferred();
  server.held.set(former, held.promise);
  const first = client.ok({ op: "auth", token: former });
  await client.ok({ op: "auth", token: newer });
  held.resolve();
  await first;
  await client.refused({ op: "pub", ch: "chat.hook", data: 1 }, "forbidden");
});

test("while the hook is silent: unavailable, 4005; and what it has said of tokens still counts", async () => {
  const token = opaque("erna", { cacheMs: 60_000 });
  await onBoth(token);
  server.isSilent = true;
  await refused(opaque("frida"), "unavailable", 4005);
  await welcomed(token);
  server.isSilent = false;
  await until("the hook to be asked again", async () => {
    const client = await greet(opaque("frida"));
    return (await client.until("an answer", () => true)).op === "welcome";
  });
});

test("a suspended tenant's connections end with 4505 on both gateways, and its tokens are forbidden", async () => {
  const token = await cluster.token("gina", { tenant: "late" });
  const clients = await onBoth(token);
  const other = await welcomed(await cluster.token("gina"));
  await settings.putTenant("late", { suspended: true });
  await Promise.all(clients.map((client) => client.closedWith(4505, "suspended")));
  await refused(token, "forbidden", 4505);
  await other.settled();
  await settings.removeTenant("late");
  await until("the tenant to be let in again", async () => {
    const client = await greet(token);
    return (await client.until("an answer", () => true)).op === "welcome";
  });
});

test("tokens in the address, where that is switched on; hello may leave its own out then", async () => {
  const token = await cluster.token("hugo");
  said.add(token);
  const client = await RawClient.open(`${cluster.url}?token=${token}`);
  const welcome = await client.ok({ op: "hello" }, "welcome");
  assert.equal(welcome.user, "hugo");
  client.cut();
  const bad = await RawClient.open(`${cluster.url}?token=${token}x`);
  await bad.refused({ op: "hello" }, "unauthorized");
  await bad.closedWith(4501, "unauthorized");
  const own = await RawClient.open(`${cluster.url}?token=${token}`);
  assert.equal((await own.hello(await cluster.token("ines"))).user, "ines");
  own.cut();
});

test("pages of other origins are refused with 403", async () => {
  const open = (options: { origin?: string }) => {
    const socket = new WebSocket(cluster.url, options);
    return new Promise<string>((resolve) => {
      socket.once("open", () => resolve("open"));
      socket.once("error", ({ message }) => resolve(message));
    }).finally(() => socket.terminate());
  };
  assert.equal(await open({ origin: ORIGIN }), "open");
  assert.equal(await open({}), "open");
  for (const origin of ["https://evil.example", `${ORIGIN}:444`, "http://chat.example", "null"])
    assert.match(await open({ origin }), /403/, origin);
});

test("a revocation by user or by id reaches both gateways within a second, for tokens of each kind", async () => {
  const admin = new Admin(cluster);
  const past = Math.floor(Date.now() / 1_000) - 10;
  const revokeId = (jti: string) => () => admin.post("/v1/tokens/revoke", { tenant: "demo", jti });
  const revokeUser = (user: string) => () => admin.post("/v1/tokens/revoke", { tenant: "demo", user });
  type Case = [token: string, revoke: () => Promise<unknown>];
  const cases: Array<(n: number) => Promise<Case>> = [
    async (n) => [await cluster.token("jan", { claims: { jti: `jan-${n}` } }), revokeId(`jan-${n}`)],
    async (n) => [await signBy(key, `kim-${n}`, { iat: past }), revokeUser(`kim-${n}`)],
    async (n) => [opaque("leo", { id: `leo-${n}`, cacheMs: 60_000 }), revokeId(`leo-${n}`)],
    async (n) => [opaque(`mia-${n}`, { cacheMs: 60_000 }), revokeUser(`mia-${n}`)],
  ];
  for (const make of cases)
    await untilQuick("a revocation to reach the gateways in time", async (attempt) => {
      const [token, revoke] = await make(attempt);
      const clients = await onBoth(token);
      const quick = await inTime("the close", 1_000, () => closedBoth(clients, revoke));
      await refused(token, "unauthorized", 4501);
      return quick;
    });
  // The application says when its token was issued: one from after the revocation is another one.
  await welcomed(opaque("mia-1", { issued: Date.now() + 2_000 }));
});

test("the SDK renews tokens that end soon, of each kind, over one connection without a gap", async () => {
  const soon = () => Math.floor((Date.now() + SHORT_LIFE_MS) / 1_000);
  const kinds: Record<string, () => string | Promise<string>> = {
    nora: () => cluster.token("nora", { claims: { exp: soon() } }),
    otto: () => opaque("otto", { expires: Date.now() + SHORT_LIFE_MS }),
  };
  const renews = async (user: string, make: () => string | Promise<string>) => {
    let made = 0;
    const token = async () => {
      made++;
      const fresh = await make();
      said.add(fresh);
      return fresh;
    };
    const client = new Plexus({ url: cluster.url, token, WebSocket });
    const conns = new Set<string>();
    client.on("state", (state) => state.name === "connected" && conns.add(state.conn));
    await client.connect();
    const firstEndsAt = Date.now() + SHORT_LIFE_MS + TOLERANCE_MS;
    const channel = client.channel(`chat.renewed-${user}`);
    const got: number[] = [];
    channel.on("message", ({ seq }) => got.push(seq));
    await channel.subscribe();
    let published = 0;
    // Long enough for the first token to be over everywhere, tolerance included.
    await until(
      "renewals",
      async () => {
        published = (await channel.publish(published)).seq;
        return made >= 3 && Date.now() > firstEndsAt;
      },
      RENEWALS_WITHIN_MS,
    );
    await until("all messages", () => got.length === published);
    assert.deepEqual(
      got,
      Array.from(got, (_, i) => i + 1),
    );
    assert.equal(conns.size, 1, "one connection");
    client.close();
  };
  await Promise.all(Object.entries(kinds).map(([user, make]) => renews(user, make)));
});

test("an SDK whose new token allows less: the subscription fails, the others go on", async () => {
  const caps: Array<Record<string, string[]>> = [{ ">": EVERYTHING }, { "chat.kept": ["sub", "pub"] }];
  const subscribed = deferred();
  const token = async () => {
    const isFirst = caps.length === 2;
    if (!isFirst) await subscribed.promise;
    return cluster.token("paul", { caps: caps.shift() ?? {}, expiresInS: isFirst ? 5 : 3_600 });
  };
  const client = new Plexus({ url: cluster.url, token, WebSocket });
  await client.connect();
  const [kept, lost] = [client.channel("chat.kept"), client.channel("chat.lost")];
  await Promise.all([kept.subscribe({ presence: true }), lost.subscribe()]);
  subscribed.resolve();
  const ended = within("the end of presence", new Promise((resolve) => kept.presence.once("ended", resolve)));
  await until("the end", () => lost.state.name === "failed");
  const { state } = lost;
  assert.equal(state.name === "failed" && state.error.code, "forbidden");
  await ended;
  const seen = new Promise((resolve) => kept.once("message", resolve));
  await kept.publish("still here");
  await within("the message", seen);
  client.close();
});

test("what is counted: authentications, fetches of keys, questions for the hook", async () => {
  const metrics = await Promise.all(["g1", "g2"].map((id) => cluster.metrics(id)));
  const count = (name: string) => metrics.reduce((sum, each) => sum + each.sum(name), 0);
  for (const name of [
    'plexus_authentications_total{kind="jwt",outcome="ok"}',
    'plexus_authentications_total{kind="jwt",outcome="unauthorized"}',
    'plexus_authentications_total{kind="hook",outcome="ok"}',
    'plexus_jwks_fetches_total{outcome="ok"}',
  ])
    assert.ok(count(name) > 0, name);
  assert.ok(count("plexus_connect_hook_total") > 0);
});

test("no token and no secret is in any log", async () => {
  await refused(await cluster.token("rosa", { expiresInS: -60 }), "token_expired", 4502);
  const folder = join(cluster.dataDir, "logs");
  const logs = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")] as const);
  assert.ok(
    logs.some(([name, text]) => name.startsWith("g1") && text.includes('"welcome"')),
    "gateways log at all",
  );
  assert.ok(said.size > 20);
  for (const [name, text] of logs)
    for (const secret of said)
      for (const part of [secret, ...secret.split(".").filter(({ length }) => length > 30)])
        assert.ok(!text.includes(part), `${part} is in ${name}`);
});
