/** Bots that log in: what their credentials allow, nothing else of the bus, and nothing any more once revoked. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { connectBot } from "@plexus/bot";
import type { HistoryMessage } from "@plexus/protocol";
import { connect, type NatsConnection, nkeyAuthenticator } from "nats";
import { Admin, cli } from "./harness/admin.js";
import { PlainBot, refusalOf } from "./harness/bot.js";
import { clusterForFile, type TestCluster } from "./harness/cluster.js";
import { heardBy, saidBy } from "./harness/forbidden.js";
import { until, within } from "./harness/wait.js";

const CAPS = { "chat.bots.*": ["sub", "pub", "history"] };
/** A server that reads its configuration may leave a connection that is just being made without an answer. */
const CONNECT_TIMEOUT_MS = 2_000;

const connections: NatsConnection[] = [];
// Before the servers are gone: hooks run in the order in which they are given.
after(async () => {
  for (const nats of connections) await nats.close();
});
const cluster = clusterForFile({ admin: true, workers: 2 });
const isolated = clusterForFile({ admin: true, isolated: true, cells: ["eu-1", "us-1"] });
const admin = new Admin(cluster);

/** Logs in as a bot; what its server says against it ends the connection. */
async function login(of: TestCluster, bot: string, seed: string): Promise<NatsConnection> {
  const nats = await connect({
    servers: of.dev.natsUrl,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    inboxPrefix: `_INBOX.demo.${bot}`,
    reconnectTimeWait: 100,
    timeout: CONNECT_TIMEOUT_MS,
  });
  connections.push(nats);
  return nats;
}

/** Logs in as soon as the broker knows the bot. */
function loginSoon(of: TestCluster, bot: string, seed: string): Promise<NatsConnection> {
  return until(`${bot} may log in`, () => login(of, bot, seed).catch(() => undefined));
}

async function create(of: TestCluster, name: string, caps: Record<string, string[]>): Promise<string> {
  const body = { name, caps };
  const { seed } = await new Admin(of).post<{ seed: string }>("/v1/tenants/demo/bots", body);
  return seed;
}

test("a bot does what its capabilities say, and hears and says nothing else", async () => {
  const nats = await loginSoon(cluster, "reader", await create(cluster, "reader", CAPS));
  const bot = new PlainBot(nats, "reader");
  const ch = "chat.bots.b";
  const events: string[] = [];
  nats.subscribe("evt.demo.chat.bots.*", { callback: (_, message) => void events.push(message.string()) });
  await bot.ok("publish", ch, { data: "hello" });
  await until("its event", () => events.length === 1);
  assert.equal((await bot.ok<{ messages: HistoryMessage[] }>("history", ch)).messages.length, 1);
  await bot.ok("position", ch, { epoch: "e", seq: 1 });
  await assert.rejects(bot.ask("publish", "chat.other", { data: 1 }), /permissions violation/i);
  await assert.rejects(bot.ask("join", ch), /permissions violation/i);

  const everything = await cluster.nats();
  assert.deepEqual(await saidBy(nats, everything), []);
  const before = events.length;
  assert.deepEqual(await heardBy(nats), []);
  // NATS servers take this for something that lies within chat.bots.*; what lies deeper must not come all the same.
  nats.subscribe("evt.demo.chat.bots.>", { callback: (_, message) => void events.push(message.string()) });
  const ada = await cluster.connect("ada");
  await ada.pub("chat.other", "not for the bot");
  await ada.pub("chat.bots.a.b", "not for the bot");
  await ada.pub(ch, "for the bot");
  await until("what it may hear", () => events.slice(before).some((text) => text.includes("for the bot")));
  assert.ok(!events.some((text) => text.includes("not for the bot")));
});

test("a worker sends no answer where the bot may not publish itself", async () => {
  const nats = await loginSoon(cluster, "forger", await create(cluster, "forger", CAPS));
  const ch = "chat.bots.forged";
  const heard: string[] = [];
  const everything = await cluster.nats();
  for (const subject of ["evt.demo.>", "_INBOX.demo.reader.>", "cmd.eu-1.1"])
    everything.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) });
  await everything.flush();
  const request = JSON.stringify({ data: "forged" });
  for (const reply of [`evt.demo.${ch}`, "evt.demo.chat.other", "_INBOX.demo.reader.x", "cmd.eu-1.1"])
    nats.publish(`bot.demo.forger.publish.${ch}`, request, { reply });
  const bot = new PlainBot(nats, "forger");
  await bot.ok("publish", ch, { data: "honest" });
  await until("the honest one", () => heard.length > 0);
  const { messages } = await bot.ok<{ messages: HistoryMessage[] }>("history", ch);
  assert.deepEqual([messages.map(({ data }) => data), heard], [["honest"], [`evt.demo.${ch}`]]);
});

test("a revoked bot is disconnected and does not come back, though others need no login", async () => {
  for (const { name } of (await admin.get<{ bots: Array<{ name: string }> }>("/v1/tenants/demo/bots")).bots)
    assert.equal((await cli(cluster, "bot", "revoke", "demo", name)).code, 0);
  const seed = await create(cluster, "last", CAPS);
  const nats = await loginSoon(cluster, "last", seed);
  assert.equal((await cli(cluster, "bot", "revoke", "demo", "last")).code, 0);
  const error = await within("the end of its connection", nats.closed());
  assert.match(String(error), /authorization/i);
  assert.match(await refusalOf(() => login(cluster, "last", seed)), /authorization/i);
  const servers = cluster.dev.natsUrl;
  await assert.rejects(connectBot({ servers, tenant: "demo", name: "last", seed }), {
    code: "unauthorized",
    message: "the NATS server refuses the bot demo/last: the seed is revoked, or not of this server",
  });
  assert.deepEqual((await admin.get<{ bots: unknown[] }>("/v1/bots")).bots, []);
  // Those without a login have not noticed anything.
  const plain = new PlainBot(await cluster.nats(), "plain");
  await plain.ok("publish", "chat.bots.open", { data: 1 });
  assert.equal(
    await admin.refused("not_found", 404, "DELETE", "/v1/tenants/demo/bots/last"),
    'there is no bot "last"',
  );
});

test("the command line makes a bot, shows it, and keeps its seed in a file of its owner", async () => {
  const file = join(cluster.dataDir, "cli.seed");
  const made = await cli(cluster, "bot", "create", "demo", "cli", "--caps", "chat.>=sub,pub", "--out", file);
  assert.deepEqual([made.code, made.err], [0, ""]);
  const seed = readFileSync(file, "utf8").trim();
  assert.match(seed, /^SU/);
  assert.ok(!made.out.includes(seed));
  assert.equal(statSync(file).mode & 0o077, 0);
  const again = await cli(cluster, "bot", "create", "demo", "cli2", "--caps", "chat.>", "--out", file);
  assert.equal(again.code, 2, "a seed is never overwritten");
  assert.match(again.err, /cli\.seed is there already\nGive --out another name/);
  const other = join(cluster.dataDir, "other.seed");
  const taken = await cli(cluster, "bot", "create", "demo", "cli", "--caps", "chat.>", "--out", other);
  assert.deepEqual([taken.code, existsSync(other)], [4, false], taken.err);
  assert.match((await cli(cluster, "bot", "list", "demo")).out, /demo {3,}cli .*chat\.>=sub,pub/);
  await loginSoon(cluster, "cli", seed);
  const audit = cluster.log("admin");
  assert.match(audit, /"action":"bot\.create"/);
  assert.ok(!audit.includes(seed));
  for (const log of ["admin", "eu-1-w1", "nats"]) assert.ok(!cluster.log(log).includes(seed));
});

test("what makes no sense is refused", async () => {
  const refused = (body: object) => admin.refused("bad_request", 400, "POST", "/v1/tenants/demo/bots", body);
  await refused({ name: "Bad", caps: CAPS });
  await refused({ name: "b", caps: { "a..b": ["sub"] } });
  await refused({ name: "b", caps: { a: ["fly"] } });
  await refused({ name: "b", caps: {} });
  await refused({ name: "b", caps: { "chat.*": ["sub"], "chat.a.b": ["sub"] } });
  await refused({ name: "b", caps: CAPS, publicKey: "UABC" });
  await refused({ name: "b", caps: CAPS, extra: 1 });
  await refused({ name: "b", caps: { 'a"] }, publish: { allow: [">': ["sub"] } });
  await admin.refused("conflict", 409, "GET", "/v1/bots/authorization");
});

test("where cells have brokers of their own, bots come to the hub", async () => {
  const nats = await loginSoon(isolated, "reader", await create(isolated, "reader", CAPS));
  const bot = new PlainBot(nats, "reader");
  const events: string[] = [];
  nats.subscribe("evt.demo.chat.bots.*", { callback: (_, message) => void events.push(message.subject) });
  const channels = Array.from({ length: 8 }, (_, i) => `chat.bots.room-${i}`);
  const homes = new Set<string>();
  for (const ch of channels) {
    homes.add((await isolated.ownerOf(ch)).cell);
    await bot.ok("publish", ch, { data: ch });
    await bot.ok("position", ch, { epoch: "e", seq: 1 });
  }
  assert.deepEqual([...homes].sort(), ["eu-1", "us-1"]);
  await until("all events", () => channels.every((ch) => events.includes(`evt.demo.${ch}`)));
  assert.deepEqual(await saidBy(nats, await isolated.nats()), []);
  assert.deepEqual(await heardBy(nats), []);
  await new Admin(isolated).ask("DELETE", "/v1/tenants/demo/bots/reader");
  await within("the end of its connection", nats.closed());
});
