/** @plexus/bot on a real cluster: every message, in order, whatever becomes of the bot and of its connection. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, test } from "node:test";
import { type Bot, type BotMessage, connectBot, PlexusError, type Reset } from "@plexus/bot";
import { Admin } from "./harness/admin.js";
import { BusProxy } from "./harness/bus-proxy.js";
import { clusterForFile } from "./harness/cluster.js";
import { until, within } from "./harness/wait.js";
import { publishMany, range } from "./protocol/case.js";

const bus = await BusProxy.listen(() => cluster.natsPort);
const cluster = clusterForFile({ admin: true, workers: 2, cells: ["eu-1", "us-1"] });
const bots = new Set<Bot>();
/** What is promised is 2.5 s; other tests run on the same processors. */
const CLOSES_WITHIN_MS = 6_000;
cluster.beforeStop(async () => {
  for (const bot of bots) await bot.close();
  bus.close();
});
afterEach(() => {
  bus.mangle = (_, raw) => [raw];
});

async function start(name: string, seed?: string, onWarning = (_: unknown): void => undefined): Promise<Bot> {
  const options = { servers: bus.url, tenant: "demo", name, seed, onWarning };
  const bot = await connectBot(options);
  bots.add(bot);
  return bot;
}

async function stop(bot: Bot): Promise<void> {
  bots.delete(bot);
  await bot.close();
}

/** What a subscription brings. */
function listener() {
  const messages: BotMessage[] = [];
  const resets: Reset[] = [];
  return {
    messages,
    resets,
    take: (message: BotMessage) => void messages.push(message),
    onReset: (reset: Reset) => void resets.push(reset),
    seqs: () => messages.map(({ seq }) => seq),
  };
}

test("a channel: publish, history, members, signals", async () => {
  const bot = await start("basics");
  const channel = bot.channel("chat.helper.basics");
  const ada = await cluster.connect("ada");
  await ada.sub(channel.name, { presence: true });
  // A member is listed soon after the `ok` of its `sub`, not with it.
  await until("ada herself", async () => (await ada.presence(channel.name)).count === 1);
  // Not awaited one by one, and stored in that order all the same.
  const published = await Promise.all(range(1, 20).map((n) => channel.publish(n)));
  assert.deepEqual(
    published.map(({ seq }) => seq),
    range(1, 20),
  );
  const again = await channel.publish("x", { mid: "one" });
  assert.deepEqual(await channel.publish("x", { mid: "one" }), { ...again, dup: true });
  const page = await channel.history({ before: 3 });
  assert.deepEqual([page.messages.map(({ data }) => data), page.more], [[1, 2], false]);
  const members = async () => (await channel.members()).map(({ user, state }) => [user, state]).sort();
  // A list shows what was acknowledged before it was asked for, however little time there was to announce it.
  for (const mood of ["fine", "better", "best"]) {
    const membership = await channel.join({ mood });
    assert.deepEqual(await members(), [
      ["ada", null],
      ["bot:basics", { mood }],
    ]);
    await membership.leave();
    assert.deepEqual(await members(), [["ada", null]]);
  }
  await channel.signal({ typing: true });
  await until("the signal", () => ada.frames.some((frame) => frame.op === "signal"));
  await assert.rejects(
    channel.publish("x".repeat(40_000)),
    (error) => error instanceof PlexusError && error.code === "too_large",
  );
  assert.throws(() => bot.channel("chat.>"), PlexusError);
  await assert.rejects(connectBot({ servers: bus.url, tenant: "demo", name: "No" }), PlexusError);
});

test("records that the bus loses, repeats and reorders are handled once, in order", async () => {
  const ch = "chat.helper.lossy";
  const bot = await start("lossy");
  const here = listener();
  await bot.subscribe(ch, here.take, here).ready;
  const ada = await cluster.connect("ada");
  let n = 0;
  let kept: Buffer | undefined;
  bus.mangle = (subject, raw) => {
    if (subject !== `evt.demo.${ch}`) return [raw];
    n++;
    if (n % 5 === 1) return [];
    if (n % 5 === 2) return [raw, raw];
    if (n % 5 === 3) kept = raw;
    return n % 5 === 3 ? [] : [raw, ...(n % 5 === 4 && kept !== undefined ? [kept] : [])];
  };
  for (let i = 1; i <= 100; i++) await ada.pub(ch, i);
  await until("all of them", () => here.messages.length >= 100, 60_000);
  assert.deepEqual([here.seqs(), here.resets], [range(1, 100), []]);
});

test("what is published while it is cut off is handled when it is back", async () => {
  const ch = "chat.helper.cut";
  const warnings: unknown[] = [];
  const bot = await start("cut", undefined, (error) => warnings.push(error));
  const here = listener();
  const subscription = bot.subscribe(ch, here.take, here);
  await subscription.ready;
  const membership = await bot.channel(ch).join();
  const ada = await cluster.connect("ada");
  await publishMany(ada, ch, 50);
  bus.cutOff("bot demo/cut");
  await publishMany(ada, ch, 2_000);
  const unheard = () => warnings.filter((error) => /authentication timeout/i.test(String(error)));
  await until("the server to have given up on its login twice", () => unheard().length >= 2);
  bus.restore();
  await until("all of them", () => here.messages.length >= 2_050, 60_000);
  await publishMany(ada, ch, 50);
  await until("the last", () => here.messages.length >= 2_100);
  assert.deepEqual([here.seqs(), here.resets], [range(1, 2_100), []]);
  await membership.leave();
});

test("started again it goes on behind what was handled, with nothing missed in between", async () => {
  const ch = "chat.helper.resume";
  const ada = await cluster.connect("ada");
  await ada.pub(ch, "before there was a bot");
  let bot = await start("resume");
  const first = listener();
  const subscription = bot.subscribe(ch, first.take, { resume: true });
  await subscription.ready;
  await publishMany(ada, ch, 100);
  await until("all of them", () => first.messages.length === 100);
  await stop(bot);
  await publishMany(ada, ch, 700);
  bot = await start("resume");
  const second = listener();
  bot.subscribe(ch, second.take, { resume: true, onReset: second.onReset });
  await until("what was missed", () => second.messages.length >= 700);
  assert.deepEqual([first.seqs(), second.seqs(), second.resets], [range(2, 101), range(102, 801), []]);
});

test("a handler that fails ends the subscription, and gets the message again", async () => {
  const ch = "chat.helper.failing";
  const ada = await cluster.connect("ada");
  const bot = await start("failing");
  const handled: number[] = [];
  const subscription = bot.subscribe(
    ch,
    async ({ data }) => {
      if (data === 3) throw new Error("not this one");
      handled.push(data as number);
    },
    { resume: true },
  );
  await subscription.ready;
  for (const n of range(1, 5)) await ada.pub(ch, n);
  await assert.rejects(within("the end", subscription.done), /not this one/);
  assert.deepEqual(handled, [1, 2]);
  bot.subscribe(ch, ({ data }) => void handled.push(data as number), { resume: true });
  await until("the rest", () => handled.length === 5);
  assert.deepEqual(handled, range(1, 5));
});

test("rewind and since say where to begin; a position of another epoch is told", async () => {
  const ch = "chat.helper.begin";
  const ada = await cluster.connect("ada");
  for (const n of range(1, 10)) await ada.pub(ch, n);
  const bot = await start("begin");
  const [rewound, since, lost] = [listener(), listener(), listener()];
  bot.subscribe(ch, rewound.take, { rewind: 3 });
  await until("the last three", () => rewound.messages.length === 3);
  const { epoch } = await bot.channel(ch).history();
  bot.subscribe(ch, since.take, { since: { epoch, seq: 4 } });
  await until("those behind it", () => since.messages.length === 6);
  const from = { epoch: "another", seq: 4 };
  bot.subscribe(ch, lost.take, { since: from, onReset: lost.onReset });
  await until("it is told", () => lost.resets.length === 1);
  assert.deepEqual(lost.resets, [{ reason: "epoch", from, to: { epoch, seq: 10 } }]);
  await ada.pub(ch, 11);
  for (const each of [rewound, since, lost]) await until("the live one", () => each.seqs().at(-1) === 11);
  assert.deepEqual([rewound.seqs(), since.seqs(), lost.seqs()], [range(8, 11), range(5, 11), [11]]);
});

test("publishes over the death of workers are stored once, in order", async () => {
  const ch = "chat.helper.deaths";
  const bot = await start("deaths");
  const channel = bot.channel(ch);
  const { worker } = await cluster.ownerOf(ch);
  const published: Array<Promise<unknown>> = [];
  for (const n of range(1, 150)) {
    published.push(channel.publish(n));
    if (n % 50 === 25) {
      await Promise.all(published);
      cluster.process(n === 75 ? "us-1-w1" : worker).kill("SIGKILL");
    }
  }
  await within("all of them", Promise.all(published), 60_000);
  const { messages } = await channel.history({ limit: 1_000 });
  assert.deepEqual(
    messages.map(({ data }) => data),
    range(1, 150),
  );
});

test("a bot that closes while nobody answers it ends soon, whatever it has under way", async () => {
  const ch = "chat.helper.silence";
  const bot = await start("silence");
  const here = listener();
  const running = bot.subscribe(ch, here.take, { resume: true });
  await running.ready;
  await bot.channel(ch).join();
  await bot.channel(ch).publish(1);
  await until("it", () => here.messages.length === 1);
  // Connected anew, it is accepted and then hears nothing.
  bus.cutOff("bot demo/silence");
  const starting = [bot.subscribe(ch, here.take), bot.subscribe(ch, here.take, { resume: true })];
  const publishing = assert.rejects(bot.channel(ch).publish(2), PlexusError);
  const startedAt = performance.now();
  await within("the end", stop(bot), CLOSES_WITHIN_MS);
  await within(
    "what was under way",
    Promise.all([running.done, ...starting.map(({ done }) => done), publishing]),
  );
  assert.ok(performance.now() - startedAt < CLOSES_WITHIN_MS);
  bus.restore();
});

test("a bot that closes while a server accepts it and says nothing leaves nothing behind", async () => {
  const bot = await start("dialling");
  const accepted = bus.silence();
  bus.cutOff("bot demo/dialling");
  const socket = await within("it to dial", accepted);
  const gone = once(socket, "close");
  await within("the end", stop(bot), CLOSES_WITHIN_MS);
  await within("the end of its socket", gone);
  bus.restore();
});

test("a bot that is revoked is told, and its subscriptions end", async () => {
  const body = { name: "gone", caps: { "chat.>": ["sub", "history"] } };
  const { seed } = await new Admin(cluster).post<{ seed: string }>("/v1/tenants/demo/bots", body);
  const bot = await until("it may log in", () => start("gone", seed).catch(() => undefined));
  const ended = bot.subscribe("chat.helper.gone", () => undefined).done.catch((error: unknown) => error);
  await assert.rejects(
    bot.channel("chat.helper.gone").publish(1),
    (error) => error instanceof PlexusError && error.code === "forbidden",
  );
  await assert.rejects(bot.subscribe("news", () => undefined).done, PlexusError);
  await new Admin(cluster).ask("DELETE", "/v1/tenants/demo/bots/gone");
  assert.match(String(await within("the end", bot.closed())), /authorization/i);
  assert.ok((await ended) instanceof PlexusError);
});
