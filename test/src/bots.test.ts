/** Bots with a plain NATS client: the same messages, history, presence and limits as clients have. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BOT_LEASE_MS, type HistoryMessage, type Member } from "@plexus/protocol";
import { PlainBot } from "./harness/bot.js";
import { clusterForFile } from "./harness/cluster.js";
import { eventsOf } from "./harness/members.js";
import { channelIn, operate, type Placements, placements } from "./harness/operations.js";
import type { RawClient } from "./harness/raw-client.js";
import { mirroredMembers, openRedis } from "./harness/redis.js";
import { TENANT } from "./harness/tokens.js";
import { staysTrue, until } from "./harness/wait.js";

const SETTINGS = { namespaces: { quiet: { presence: false }, tiny: { maxMessageBytes: 20 } } };
/** A worker that is stopped for so long finds that it was. */
const FREEZE_MS = 2_500;

let context: Placements;
let bot: PlainBot;
const cluster = clusterForFile(
  { cells: ["eu-1", "us-1"], workers: 2, gateways: 2, settings: SETTINGS },
  async (running) => {
    context = await placements(running);
    bot = new PlainBot(await running.nats(), "helper");
  },
);

interface Published {
  epoch: string;
  seq: number;
  ts: number;
  dup?: true;
}
interface Members {
  members: Member[];
  count: number;
}

/** What a client was told of bots as members. */
function botEvents(client: RawClient, ch: string): string[] {
  return eventsOf(client, ch)
    .filter(({ member }) => member.user.startsWith("bot:"))
    .map(({ kind, member }) => `${kind} ${member.user}`);
}

test("what a bot publishes arrives as a message of the user bot:<bot>, once for one mid", async () => {
  const ch = "chat.bots.publish";
  const ada = await cluster.connect("ada");
  await ada.sub(ch);
  const first = await bot.ok<Published>("publish", ch, { data: { text: "hello" }, mid: "m1" });
  assert.deepEqual(await bot.ok<Published>("publish", ch, { data: { text: "hello" }, mid: "m1" }), {
    ...first,
    dup: true,
  });
  // Without a mid each request is a message of its own.
  for (let i = 0; i < 10; i++) await bot.ok("publish", ch, { data: "same" });
  const other = await bot.ok<Published>("publish", ch, { data: "last" });
  assert.deepEqual([other.epoch, other.seq], [first.epoch, first.seq + 11]);
  await until("all of them", () => ada.channel(ch).received.length === 12);
  const { messages } = await bot.ok<{ messages: HistoryMessage[] }>("history", ch);
  assert.deepEqual(
    messages.map(({ seq, user, conn }) => [seq, user, conn]),
    Array.from({ length: 12 }, (_, i) => [i + 1, "bot:helper", "bot-helper"]),
  );
  assert.deepEqual([messages[0]!.id, messages[0]!.data], ["m1", { text: "hello" }]);
  assert.equal(new Set(messages.map(({ id }) => id)).size, 12);
  // The ids are the bot's own: another one may use the same.
  const stranger = new PlainBot(bot.nats, "stranger");
  assert.equal((await stranger.ok<Published>("publish", ch, { data: 1, mid: "m1" })).dup, undefined);
});

test("history brings pages in both directions, and more than the bus can carry comes in pages", async () => {
  const ch = "chat.bots.history";
  const large = "x".repeat(30_000);
  for (let i = 1; i <= 60; i++) await bot.ok("publish", ch, { data: [i, large] });
  interface Page {
    messages: HistoryMessage[];
    more: boolean;
  }
  const seqs = ({ messages }: Page) => messages.map(({ seq }) => seq);
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  assert.deepEqual(seqs(await bot.ok<Page>("history", ch, { limit: 3 })), [58, 59, 60]);
  assert.deepEqual(seqs(await bot.ok<Page>("history", ch, { before: 4 })), [1, 2, 3]);
  const forwards: number[] = [];
  for (let more = true; more; ) {
    const page = await bot.ok<Page>("history", ch, { after: forwards.at(-1) ?? 0, limit: 1_000 });
    assert.ok(seqs(page).length > 0);
    forwards.push(...seqs(page));
    more = page.more;
  }
  assert.deepEqual(forwards, range(1, 60));
  const backwards: number[] = [];
  for (let more = true; more; ) {
    const page = await bot.ok<Page>("history", ch, { before: backwards[0] ?? 61, limit: 1_000 });
    backwards.unshift(...seqs(page));
    more = page.more;
  }
  assert.deepEqual(backwards, range(1, 60));
});

test("requests are checked as clients' frames are", async () => {
  const ch = "chat.bots.checked";
  const deep = `${"[".repeat(70)}${"]".repeat(70)}`;
  const refusals: Array<[operation: string, channel: string, body: unknown, code: string]> = [
    ["publish", ch, {}, "bad_request"],
    ["publish", ch, "no JSON", "bad_request"],
    ["publish", ch, "[]", "bad_request"],
    ["publish", ch, { data: 1, mid: "" }, "bad_request"],
    ["publish", ch, `{"data":${deep}}`, "bad_request"],
    ["publish", "tiny.ch", { data: "x".repeat(30) }, "too_large"],
    ["publish", ch, { data: "x".repeat(300_000) }, "too_large"],
    ["signal", ch, { data: "x".repeat(5_000) }, "too_large"],
    ["history", ch, { before: 1, after: 1 }, "bad_request"],
    ["history", ch, { limit: 0 }, "bad_request"],
    ["join", ch, { state: "x".repeat(5_000) }, "too_large"],
    ["join", "quiet.ch", {}, "bad_request"],
    ["position", ch, { epoch: "e" }, "bad_request"],
    ["dance", ch, {}, "bad_request"],
    ["publish", "chat.bad!name", { data: 1 }, "bad_request"],
    ["publish", "a.b.c.d.e.f.g.h.i", { data: 1 }, "bad_request"],
  ];
  for (const [operation, channel, body, code] of refusals)
    assert.equal(await bot.refused(operation, channel, body), code, `${operation} ${channel}`);
  const upper = new PlainBot(bot.nats, "Helper");
  assert.equal(await upper.refused("publish", ch, { data: 1 }), "bad_request");
});

test("a signal of a bot reaches those who are subscribed, and is not kept", async () => {
  const ch = "chat.bots.signal";
  const ada = await cluster.connect("ada");
  await ada.sub(ch);
  await bot.ok("signal", ch, { data: { typing: true } });
  const signal = await until("the signal", () => ada.frames.find((frame) => frame.op === "signal"));
  assert.deepEqual(signal, {
    op: "signal",
    ch,
    user: "bot:helper",
    conn: "bot-helper",
    data: { typing: true },
  });
});

test("an answer goes to an inbox and nowhere else", async () => {
  const ch = "chat.bots.deputy";
  const events: string[] = [];
  const subscription = bot.nats.subscribe("evt.demo.>", {
    callback: (_, { subject }) => void events.push(subject),
  });
  const inbox = bot.nats.subscribe("_INBOX.demo.other.>", {
    callback: (_, { subject }) => void events.push(subject),
  });
  const forged = [
    `evt.demo.${ch}.x`,
    "_INBOX.demo.other.1",
    "_INBOX.>",
    "_INBOX",
    "$JS.API.INFO",
    "beat.eu-1",
  ];
  for (const reply of forged)
    bot.nats.publish(bot.subject("publish", ch), JSON.stringify({ data: reply }), { reply });
  // Nothing to answer to: it is carried out all the same.
  bot.nats.publish(bot.subject("publish", ch), JSON.stringify({ data: "no reply" }));
  await until("the one", async () => {
    const { messages } = await bot.ok<{ messages: HistoryMessage[] }>("history", ch);
    return messages.length > 0;
  });
  assert.ok(
    await staysTrue(() => events.every((subject) => subject === `evt.demo.${ch}`), 500),
    events.join(),
  );
  const { messages } = await bot.ok<{ messages: HistoryMessage[] }>("history", ch);
  assert.deepEqual(
    messages.map(({ data }) => data),
    ["no reply"],
  );
  subscription.unsubscribe();
  inbox.unsubscribe();
});

test("a position is kept for the next run", async () => {
  const ch = "chat.bots.position";
  assert.deepEqual(await bot.ask("position", ch), { ok: true, epoch: null, seq: null });
  assert.deepEqual(await bot.ask("position", ch, { epoch: "abc", seq: 7 }), {
    ok: true,
    epoch: "abc",
    seq: 7,
  });
  assert.deepEqual(await bot.ask("position", ch), { ok: true, epoch: "abc", seq: 7 });
  const stranger = new PlainBot(bot.nats, "stranger");
  assert.deepEqual(await stranger.ask("position", ch), { ok: true, epoch: null, seq: null });
});

test("a bot joins, changes its state and leaves; joining again announces nothing", async () => {
  const ch = "chat.bots.join";
  const ada = await cluster.connect("ada");
  await ada.sub(ch, { presence: true });
  // A member is listed soon after the `ok` of its `sub`, not with it.
  await until("ada herself", async () => (await ada.presence(ch)).count === 1);
  const joined = await bot.ok<{ conn: string; lease: number }>("join", ch, { state: "ready" });
  assert.deepEqual([joined.conn, joined.lease], ["bot-helper", BOT_LEASE_MS]);
  await until("the join", () => botEvents(ada, ch).length === 1);
  const list = await ada.presence(ch);
  const { members, count } = await bot.ok<Members>("presence", ch);
  assert.equal(count, 2);
  assert.deepEqual(
    members,
    list.members.toSorted((a: Member, b: Member) => (a.conn < b.conn ? -1 : 1)),
  );
  await bot.ok("join", ch, { state: "ready" });
  await bot.ok("join", ch, { state: "busy" });
  await until("the update", () => botEvents(ada, ch).length === 2);
  await bot.ok("leave", ch);
  await until("the leave", () => botEvents(ada, ch).length === 3);
  assert.deepEqual(botEvents(ada, ch), ["join bot:helper", "update bot:helper", "leave bot:helper"]);
  const since = eventsOf(ada, ch).filter(({ member }) => member.user === "bot:helper");
  assert.equal(new Set(since.map(({ member }) => member.since)).size, 1, "since it joined first");
});

test("a bot stays a member while its channel moves and workers die, and leaves once when it is silent", async () => {
  const ch = channelIn(context, "eu-1", "moving-bot");
  const ada = await cluster.connect("ada");
  await ada.sub(ch, { presence: true });
  // A channel that was never written to has nothing that is handed over; its members are announced again.
  await ada.pub(ch, "hello");
  await bot.ok("join", ch, { state: 1 });
  await until("the join", () => botEvents(ada, ch).length === 1);
  assert.equal((await operate(context, "drain", "eu-1")).state, "done");
  const redis = openRedis(cluster.dev.redisUrl);
  cluster.beforeStop(() => redis.disconnect());
  const members = `plexus:us-1:members:${TENANT}/${ch}`;
  await until("its new home has it in Redis", async () => (await redis.hexists(members, "bot-helper")) === 1);
  for (const id of ["us-1-w1", "us-1-w2"]) {
    const worker = cluster.process(id);
    worker.kill("SIGKILL");
    await worker.exited;
    await until("the worker is back", () => worker.ready().then(() => true));
  }
  // By the clock that the lease goes by, which is that of Redis.
  const joinedAt = Date.now();
  await bot.ok("join", ch, { state: 1 });
  await until("both are here", async () => (await bot.ok<Members>("presence", ch)).count === 2);
  assert.deepEqual(botEvents(ada, ch), ["join bot:helper"]);
  await until("the end of the lease", () => botEvents(ada, ch).length === 2, 2 * BOT_LEASE_MS);
  assert.ok(Date.now() - joinedAt >= BOT_LEASE_MS, "not before");
  assert.deepEqual(botEvents(ada, ch), ["join bot:helper", "leave bot:helper"]);
  await until("nothing of it in Redis", async () => (await redis.zcard("plexus:us-1:bots")) === 0);
  assert.deepEqual(Object.keys(await mirroredMembers(redis, ch)), [ada.conn]);
  assert.equal((await operate(context, "activate", "eu-1")).state, "done");
});

test("a worker that stops answers what it has got", async () => {
  const ch = "chat.bots.stopping";
  const worker = cluster.process("eu-1-w1");
  const publish = () => bot.ok<Published>("publish", ch, { data: 1 });
  const seqs: number[] = [];
  for (let i = 0; i < 200; i++) {
    if (i === 20) worker.kill("SIGTERM");
    seqs.push(...(await Promise.all([publish(), publish(), publish()])).map(({ seq }) => seq));
  }
  assert.deepEqual(
    seqs.toSorted((a, b) => a - b),
    Array.from({ length: 600 }, (_, i) => i + 1),
  );
  await until("it is back", () => worker.ready().then(() => true));
});

test("a worker that froze drops the requests that waited for it", async () => {
  const ch = "chat.bots.frozen";
  const workers = cluster.cluster.processes.filter(({ kind }) => kind === "worker");
  for (const worker of workers) worker.kill("SIGSTOP");
  const subject = bot.subject("publish", ch);
  for (let i = 0; i < 8; i++) bot.nats.publish(subject, JSON.stringify({ data: i }));
  await bot.nats.flush();
  const frozenAt = performance.now();
  await until("long enough", () => performance.now() - frozenAt > FREEZE_MS);
  for (const worker of workers) worker.kill("SIGCONT");
  const publish = () => bot.ask("publish", ch, { data: "after", mid: "after" });
  await until(
    "an answer",
    () =>
      publish().then(
        ({ ok }) => ok,
        () => false,
      ),
    60_000,
  );
  const { messages } = await bot.ok<{ messages: HistoryMessage[] }>("history", ch);
  assert.deepEqual(
    messages.map(({ data }) => data),
    ["after"],
  );
  const metrics = await Promise.all(workers.map(({ id }) => cluster.metrics(id)));
  const ignored = metrics.map((all) =>
    all.sum('plexus_bot_requests_total{operation="publish",outcome="ignored"}'),
  );
  assert.ok(ignored.reduce((a, b) => a + b) >= 8);
});
