/** The admin API against a running cluster: every call of section 4 of the protocol, and what it refuses. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inTime, untilQuick } from "@plexus/runtime/testing";
import { Admin, type Json } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { get } from "./harness/http.js";
import { until } from "./harness/wait.js";

const SETTINGS = { namespaces: { small: { maxMessageBytes: 100 }, plain: { presence: false } } };
const cluster = clusterForFile(
  { admin: true, cells: ["eu-1", "us-1"], gateways: 2, settings: SETTINGS },
  () =>
    until("all cells to be active", async () => {
      const { cells, operation } = await admin.get<Cells>("/v1/cells");
      return operation === undefined && cells.length === 2 && cells.every(({ state }) => state === "active");
    }).then(() => undefined),
);
const admin = new Admin(cluster);

interface Cells {
  version: number;
  cells: Array<{
    id: string;
    region: string;
    state: string;
    workers: number;
    missing: string[];
    complete: boolean;
    channels: number;
    rate: number;
  }>;
  operation?: Json;
}
interface Gateways {
  gateways: Array<{ id: string; connections: number; channels: number; draining: boolean }>;
  missing: string[];
}

const channelPath = (channel: string) => `/v1/tenants/demo/channels/${channel}`;

/** Frames that tell of a closing. */
const byeOf = (code: string) => (frame: { op: string; code?: unknown }) =>
  frame.op === "bye" && frame.code === code;

test("nothing is answered without the token, but what the API is", async () => {
  for (const [method, path] of [
    ["GET", "/v1/cells"],
    ["POST", "/v1/cells/eu-1/drain"],
    ["GET", "/nowhere"],
  ] as const) {
    for (const authorization of [undefined, "Bearer wrong", `Bearer ${cluster.dev.adminToken}x`]) {
      const headers = new Headers(authorization === undefined ? {} : { authorization });
      const response = await fetch(admin.url + path, { method, headers });
      assert.equal(response.status, 401);
      assert.equal(response.headers.get("www-authenticate"), "Bearer");
      assert.equal(((await response.json()) as { error: Json }).error.code, "unauthorized");
    }
  }
  assert.equal((await fetch(`${admin.url}/openapi.json`)).status, 200);
});

test("a stream of events is guarded as every answer is", async () => {
  const response = await fetch(`${admin.url}${channelPath("chat.guarded")}/events`, {
    headers: admin.headers,
  });
  await response.body?.cancel();
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.match(response.headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
});

test("OpenAPI describes each call, and nothing else is there", async () => {
  const text = await (await fetch(`${admin.url}/openapi.json`)).text();
  const { paths, components } = JSON.parse(text) as {
    paths: Record<string, Record<string, { summary?: string; responses: Json }>>;
    components: { schemas: Json };
  };
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
    assert.ok(name! in components.schemas, name);
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  for (const call of [
    "GET /v1/stats",
    "GET /v1/advice",
    "GET /v1/cells",
    "POST /v1/cells/{id}/drain",
    "POST /v1/cells/{id}/activate",
    "GET /v1/operations/{id}",
    "GET /v1/operations/{id}/events",
    "GET /v1/gateways",
    "POST /v1/gateways/{id}/drain",
    "GET /v1/tenants/{tenant}/channels/{channel}",
    "POST /v1/tenants/{tenant}/channels/{channel}/messages",
    "GET /v1/tenants/{tenant}/channels/{channel}/history",
    "GET /v1/tenants/{tenant}/channels/{channel}/presence",
    "GET /v1/tenants/{tenant}/users/{user}",
    "POST /v1/tenants/{tenant}/users/{user}/disconnect",
    "POST /v1/tokens/revoke",
  ])
    assert.ok(calls.includes(call), call);
  for (const [path, methods] of Object.entries(paths))
    for (const { summary, responses } of Object.values(methods)) {
      assert.ok(summary, path);
      assert.ok(Object.keys(responses).length > 1, path);
    }
  const documented = readFileSync(new URL("../../docs/admin.md", import.meta.url), "utf8");
  for (const call of calls) assert.ok(documented.includes(`\`${call}\``), `docs/admin.md lacks ${call}`);
  await admin.refused("not_found", 404, "GET", "/v1/nonsense");
  await admin.refused("not_found", 404, "DELETE", "/v1/cells");
});

test("cells and gateways say how they are", async () => {
  const alice = await cluster.connect("alice", { gateway: "g1" });
  await alice.sub("chat.numbers");
  await alice.pub("chat.numbers", 1);
  const { cells, version } = await until("all workers to answer", async () => {
    const answer = await admin.get<Cells>("/v1/cells");
    return answer.cells.every(({ complete }) => complete) && answer;
  });
  assert.ok(version > 0);
  assert.deepEqual(
    cells.map(({ id, region, state, workers }) => [id, region, state, workers]),
    [
      ["eu-1", "eu", "active", 1],
      ["us-1", "us", "active", 1],
    ],
  );
  const { gateways } = await admin.whole<Gateways>("/v1/gateways");
  assert.deepEqual(
    gateways.map(({ id }) => id),
    ["g1", "g2"],
  );
  const [g1] = gateways;
  assert.ok(g1!.connections >= 1 && g1!.channels >= 1 && !g1!.draining, JSON.stringify(g1));
  await until("the message to be counted", async () => {
    const { cells } = await admin.get<Cells>("/v1/cells");
    const sum = (pick: (cell: Cells["cells"][number]) => number) => cells.reduce((n, c) => n + pick(c), 0);
    return sum(({ rate }) => rate) > 0 && sum(({ channels }) => channels) >= 1;
  });
});

test("a channel: where it is, how far it is, and who is there", async () => {
  const channel = "chat.described";
  const alice = await cluster.connect("alice", { gateway: "g1" });
  const bob = await cluster.connect("bob", { gateway: "g2" });
  for (const client of [alice, bob]) await client.sub(channel, { presence: true });
  const { epoch, seq } = await alice.pub(channel, "hello");
  await until("both to be members", async () => (await admin.get(channelPath(channel))).members === 2);
  const { cell, worker } = await cluster.ownerOf(channel);
  const { partition, ...found } = await admin.whole(channelPath(channel));
  assert.equal(typeof partition, "number");
  const subscribers = { g1: 1, g2: 1 };
  const expected = {
    tenant: "demo",
    channel,
    cell,
    worker,
    epoch,
    seq,
    members: 2,
    subscribers,
    missing: [],
  };
  assert.deepEqual(found, expected);
  const presence = await admin.get<{ members: Array<{ user: string }>; count: number }>(
    `${channelPath(channel)}/presence`,
  );
  assert.deepEqual(presence.members.map(({ user }) => user).sort(), ["alice", "bob"]);
  assert.equal(presence.count, 2);
  const plain = await admin.get(channelPath("plain.one"));
  assert.deepEqual([plain.seq, plain.members], [0, 0]);
});

test("a server's message is a message like any other, once", async () => {
  const channel = "chat.served";
  const alice = await cluster.connect("alice");
  await alice.sub(channel);
  const message = { data: { text: "maintenance at ten" }, user: "ops", mid: "notice-1" };
  const path = `${channelPath(channel)}/messages`;
  const first = await admin.post(path, message);
  assert.equal(first.seq, 1);
  assert.deepEqual(await admin.post(path, message), { ...first, dup: true });
  const second = await admin.post(path, { data: null, user: "ops" });
  assert.equal(second.seq, 2);
  await until("both messages", () => alice.channel(channel).received.length === 2);
  alice.channel(channel).assertConsecutive();
  const history = await admin.get<{ epoch: string; messages: Json[]; more: boolean }>(
    `${channelPath(channel)}/history?limit=1`,
  );
  assert.equal(history.more, true);
  assert.deepEqual([history.messages[0]!.seq, history.messages[0]!.data], [2, null]);
  const older = await admin.get<{ messages: Json[]; more: boolean }>(
    `${channelPath(channel)}/history?before=2`,
  );
  assert.deepEqual(older.messages[0], {
    seq: 1,
    id: "notice-1",
    ts: first.ts,
    conn: "server",
    user: "ops",
    data: message.data,
  });
  assert.equal(older.more, false);
});

test("what is malformed or too large is refused in words", async () => {
  const path = `${channelPath("chat.lobby")}/messages`;
  const bad = (path: string, body: unknown) => admin.refused("bad_request", 400, "POST", path, body);
  assert.match(await bad(path, { data: 1 }), /user is missing/);
  assert.match(await bad(path, { user: "ops" }), /data is missing/);
  assert.match(await bad(path, { data: 1, user: "ops", midd: "x" }), /no field "midd"/);
  assert.match(await bad(path, { data: 1, user: "" }), /user/);
  assert.match(await bad(path, { data: 1, user: "ops", mid: "\ud83d" }), /mid must be Unicode/);
  assert.match(await bad(path, [1]), /body/);
  assert.match(
    await bad(`${channelPath("chat..lobby")}/messages`, { data: 1, user: "ops" }),
    /as in chat\.lobby/,
  );
  let deep: unknown = 1;
  for (let i = 0; i < 70; i++) deep = [deep];
  assert.match(await bad(path, { data: deep, user: "ops" }), /nested/);
  await admin.refused("bad_request", 400, "GET", `${channelPath("chat.lobby")}/history?limit=0`);
  await admin.refused("bad_request", 400, "GET", `${channelPath("chat.lobby")}/history?before=1&after=1`);
  const large = { data: "x".repeat(101), user: "ops" };
  await admin.refused("too_large", 413, "POST", `${channelPath("small.one")}/messages`, large);
  const huge = { data: "x".repeat(600_000), user: "ops" };
  await admin.refused("too_large", 413, "POST", path, huge);
  const headers = { ...admin.headers, "content-type": "application/json" };
  const response = await fetch(admin.url + path, { method: "POST", headers, body: "{" });
  assert.equal(response.status, 400);
});

test("a user is found on every gateway, and disconnected", () =>
  untilQuick("gateways to answer, when they have closed connections", async (attempt) => {
    const user = `zoë / 漢? ${attempt}`;
    const path = `/v1/tenants/demo/users/${encodeURIComponent(user)}`;
    const [one, two] = [
      await cluster.connect(user, { gateway: "g1" }),
      await cluster.connect(user, { gateway: "g2" }),
    ];
    const other = await cluster.connect(user, { tenant: "other" });
    await one.sub("chat.found");
    const found = await admin.whole<Json & { connections: Array<Json & { conn: string }> }>(path);
    assert.equal(found.count, 2);
    const byConn = (a: { conn: string }, b: { conn: string }) => (a.conn < b.conn ? -1 : 1);
    assert.deepEqual(
      found.connections.sort(byConn).map(({ conn, gateway, channels }) => ({ conn, gateway, channels })),
      [
        { conn: one.conn, gateway: "g1", channels: ["chat.found"] },
        { conn: two.conn, gateway: "g2", channels: [] },
      ].sort(byConn),
    );
    type Disconnected = { closed: number; missing: string[] };
    const disconnect = (body?: Json) => admin.post<Disconnected>(`${path}/disconnect`, body);
    const first = await disconnect({ conn: one.conn });
    await one.closedWith(4504, "disconnected");
    assert.ok(two.isOpen);
    const second = await disconnect();
    await two.closedWith(4504, "disconnected");
    const third = await disconnect();
    assert.ok(other.isOpen);
    const answers = [first, second, third];
    // What closed it and did not say so in time is missing, and the next call finds nothing to close.
    if (answers.some(({ missing }) => missing.length > 0)) return false;
    assert.equal(answers.map(({ closed }) => closed).join(), "1,1,0");
    return true;
  }));

test("a revoked token's connections are closed within a second, and it opens none any more", () =>
  untilQuick("a revocation to reach the gateways in time", async (attempt) => {
    const nowS = Math.floor(Date.now() / 1_000);
    const claims = { jti: `stolen-${attempt}`, iat: nowS - 60 };
    const thief = await cluster.connect("mallory", { claims });
    const owner = await cluster.connect("mallory", { claims: { jti: `own-${attempt}`, iat: nowS - 60 } });
    const quick = await inTime("the close", 1_000, async () => {
      await admin.post("/v1/tokens/revoke", { tenant: "demo", jti: claims.jti });
      await thief.closedWith(4501, "unauthorized");
    });
    assert.ok(owner.isOpen);
    const again = await cluster.open();
    const token = await cluster.token("mallory", { claims });
    await again.refused({ op: "hello", token }, "unauthorized");
    await again.until("bye", byeOf("unauthorized"));
    // The same id in another tenant is another token.
    await cluster.connect("mallory", { claims, tenant: "other" });
    await owner.refused({ op: "auth", token }, "unauthorized");
    return quick;
  }));

test("all tokens that a user had are revoked, and those issued later are not", async () => {
  const issuedAt = (offsetS: number) => ({ claims: { iat: Math.floor(Date.now() / 1_000) + offsetS } });
  const [one, two] = [
    await cluster.connect("trent", { ...issuedAt(-5), gateway: "g1" }),
    await cluster.connect("trent", { ...issuedAt(-5), gateway: "g2" }),
  ];
  const old = await cluster.token("trent", issuedAt(-5));
  const bystander = await cluster.connect("trentham", issuedAt(-5));
  const revoked = await admin.post("/v1/tokens/revoke", {
    tenant: "demo",
    user: "trent",
    lifetimeMs: 60_000,
  });
  assert.ok(Math.abs((revoked.until as number) - Date.now() - 60_000) < 5_000);
  for (const client of [one, two]) await client.closedWith(4501, "unauthorized");
  assert.ok(bystander.isOpen);
  const refused = await cluster.open();
  await refused.refused({ op: "hello", token: old }, "unauthorized");
  await cluster.connect("trent", issuedAt(1));
  const mute = await cluster.open();
  // A token that does not say when it was issued can't be told from an old one.
  await mute.refused({ op: "hello", token: await cluster.token("trent") }, "unauthorized");
  for (const body of [{}, { user: "trent" }, { user: "trent", tenant: "demo", jti: "x" }])
    await admin.refused("bad_request", 400, "POST", "/v1/tokens/revoke", body);
});

test("a revocation outlives gateways and the admin API", async () => {
  const claims = { jti: "lasting", iat: Math.floor(Date.now() / 1_000) };
  await admin.post("/v1/tokens/revoke", { jti: "lasting" });
  for (const id of ["g1", "admin"]) {
    cluster.process(id).kill("SIGKILL");
    await cluster.process(id).exited;
    await cluster.process(id).ready();
  }
  const client = await cluster.open();
  const token = await cluster.token("alice", { claims });
  await client.refused({ op: "hello", token }, "unauthorized");
});

test("a token can be made, and opens a connection", async () => {
  const caps = { "chat.>": ["sub"] };
  const made = await admin.post("/v1/tokens", { tenant: "demo", user: "tess", caps, lifetimeMs: 60_000 });
  const client = await cluster.open();
  const welcome = await client.hello(made.token as string);
  assert.equal(welcome.user, "tess");
  await client.sub("chat.lobby");
  await client.refused({ op: "pub", ch: "chat.lobby", data: 1 }, "forbidden");
  const wrong = { tenant: "demo", user: "tess", caps: { "chat..x": ["sub"] } };
  await admin.refused("bad_request", 400, "POST", "/v1/tokens", wrong);
});

test("every change is in the audit log with who, what and its outcome, and no message or token", async () => {
  await admin.post(`${channelPath("chat.audited")}/messages`, { data: "a secret text", user: "ops" });
  const made = await admin.post("/v1/tokens", { tenant: "demo", user: "tess" });
  await admin.refused("not_found", 404, "POST", "/v1/gateways/g9/drain");
  await fetch(`${admin.url}/v1/cells/eu-1/drain`, { method: "POST" });
  const lines = () =>
    cluster
      .log("admin")
      .split("\n")
      .slice(0, -1) // what is behind the last end of a line is being written
      .filter((line) => line.includes('"audit":true'))
      .map((line) => JSON.parse(line) as Json);
  await until("the last change to be logged", () => lines().at(-1)?.outcome === "unauthorized");
  const shown = lines()
    .slice(-4)
    .map(({ action, target, outcome, who }) => [action, target, outcome, typeof who]);
  assert.deepEqual(shown, [
    ["channel.publish", { tenant: "demo", channel: "chat.audited", user: "ops" }, "ok", "string"],
    ["token.issue", { tenant: "demo", user: "tess" }, "ok", "string"],
    ["gateway.drain", { id: "g9" }, "not_found", "string"],
    ["cell.drain", { id: "eu-1" }, "unauthorized", "object"],
  ]);
  const log = cluster.log("admin");
  for (const secret of ["a secret text", made.token as string, cluster.dev.adminToken])
    assert.ok(!log.includes(secret), secret);
});

test("the process says that it is alive and ready, and counts", async () => {
  const { opsUrl } = cluster.process("admin");
  assert.equal((await get(`${opsUrl}/healthz`)).status, 200);
  await until("it to be ready", async () => (await get(`${opsUrl}/readyz`)).status === 200);
  const metrics = await cluster.metrics("admin");
  assert.ok(metrics.sum("plexus_admin_requests_total") > 0);
  assert.ok(metrics.sum("plexus_admin_changes_total") > 0);
});
