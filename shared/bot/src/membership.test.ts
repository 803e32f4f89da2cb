/** One membership per channel: whatever is asked for at once, what was asked for last is what remains. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { BotAnswer } from "@plexus/protocol";
import type { NatsConnection } from "nats";
import { Bot } from "./bot.js";

const LEASE_MS = 45_000;
const JOINED = { ok: true, lease: LEASE_MS };
const AWAY = { ok: false, error: { code: "unavailable", message: "moving", retry: 200 } } as BotAnswer;
const NO = { ok: false, error: { code: "forbidden", message: "no" } } as BotAnswer;

/** A bot whose requests wait until a test answers them, on a clock that a test moves on. */
function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked: string[] = [];
  const waiting: Array<(answer: BotAnswer) => void> = [];
  const warnings: string[] = [];
  let end: (error?: Error) => void = () => undefined;
  let isClosed = false;
  const closed = new Promise<Error | undefined>((resolve) => {
    end = (error) => {
      isClosed = true;
      resolve(error);
    };
  });
  const nats = {
    closed: () => closed,
    isClosed: () => isClosed,
    close: async () => end(),
    status: () => [],
    async request(subject: string, body: string) {
      if (isClosed) throw new Error("closed");
      const { state } = JSON.parse(body) as { state?: unknown };
      asked.push(state === undefined ? subject.split(".")[3]! : `join ${state}`);
      const answer = await new Promise<BotAnswer>((resolve) => waiting.push(resolve));
      return { json: () => answer };
    },
  } as unknown as NatsConnection;
  const onWarning = (error: unknown) => void warnings.push(String(error));
  const bot = new Bot(nats, { servers: "", tenant: "demo", name: "b", onWarning });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const channel = bot.channel("chat.a");
  const answer = async (answer: object = JOINED) => {
    await settle();
    assert.ok(waiting.length > 0, `nothing waits for an answer after ${asked}`);
    waiting.shift()!(answer as BotAnswer);
    await settle();
  };
  return {
    bot,
    asked,
    warnings,
    channel,
    end,
    settle,
    /** To the request that waits longest. */
    answer,
    /** A member, with the state A. */
    async joined() {
      const joining = channel.join("A");
      await answer();
      return joining;
    },
    async pass(ms: number): Promise<void> {
      t.mock.timers.tick(ms);
      await settle();
    },
  };
}

test("two joins at once are one membership, which ends with its leave", async (t) => {
  const { channel, asked, answer, pass } = setUp(t);
  const joining = [channel.join("A"), channel.join("B")];
  await answer();
  await answer();
  const [first, second] = await Promise.all(joining);
  assert.equal(first, second);
  await pass(LEASE_MS / 3);
  await answer();
  assert.deepEqual(asked.splice(0), ["join A", "join B", "join B"], "with the state given last");
  const leaving = first!.leave();
  await answer();
  await leaving;
  await pass(LEASE_MS);
  assert.deepEqual(asked, ["leave"]);
});

test("a join that is under way when the bot closes is left, and not renewed", async (t) => {
  const { bot, channel, asked, warnings, answer, pass } = setUp(t);
  const joining = channel.join("A");
  const closing = bot.close();
  await answer();
  await answer({ ok: true });
  await Promise.all([joining, closing]);
  await pass(LEASE_MS);
  assert.deepEqual([asked, warnings], [["join A", "leave"], []]);
});

test("a connection that ends takes its memberships with it", async (t) => {
  const { asked, warnings, end, pass, settle, joined } = setUp(t);
  const membership = await joined();
  end(new Error("revoked"));
  await settle();
  await assert.rejects(membership.update("B"), { code: "unavailable" });
  for (let i = 0; i < 10; i++) await pass(LEASE_MS / 3);
  assert.deepEqual([membership.isMember, asked, warnings], [false, ["join A"], []]);
});

test("a renewal that is to be repeated gives way to a leave", async (t) => {
  const { asked, warnings, answer, pass, joined } = setUp(t);
  const membership = await joined();
  await pass(LEASE_MS / 3);
  await answer(AWAY);
  const leaving = membership.leave();
  await answer({ ok: true });
  await leaving;
  await pass(LEASE_MS);
  assert.deepEqual([asked, warnings], [["join A", "join A", "leave"], []]);
});

test("a leave waits for the answer of a renewal that was sent", async (t) => {
  const { asked, answer, pass, settle, joined } = setUp(t);
  const membership = await joined();
  await pass(LEASE_MS / 3);
  const leaving = membership.leave();
  await settle();
  assert.deepEqual(asked, ["join A", "join A"]);
  await answer();
  await answer({ ok: true });
  await leaving;
  await pass(LEASE_MS);
  assert.deepEqual(asked, ["join A", "join A", "leave"]);
});

test("a renewal that is to be repeated does not undo an update", async (t) => {
  const { asked, warnings, answer, pass, joined } = setUp(t);
  const membership = await joined();
  membership.renew();
  await pass(0);
  await answer(AWAY);
  const updating = membership.update("B");
  await answer();
  await updating;
  await pass(1_000);
  assert.deepEqual(asked, ["join A", "join A", "join B"]);
  await pass(LEASE_MS / 3);
  assert.deepEqual([asked.at(-1), warnings], ["join B", []]);
});

test("a renewal that fails is tried again; an update that is refused leaves the membership as it was", async (t) => {
  const { asked, warnings, answer, pass, joined } = setUp(t);
  const membership = await joined();
  await pass(LEASE_MS / 3);
  await answer(NO);
  assert.deepEqual(warnings, ["PlexusError: no"]);
  await pass(2_000);
  const updating = assert.rejects(membership.update("B"), { code: "forbidden" });
  await answer();
  await answer(NO);
  await updating;
  await pass(2_000);
  assert.deepEqual(asked, ["join A", "join A", "join A", "join B", "join A"]);
});

test("a bot that was refused is no member, and not made one later", async (t) => {
  const { bot, channel, asked, answer, pass } = setUp(t);
  const refused = assert.rejects(channel.join("A"), { code: "forbidden" });
  await answer(NO);
  await refused;
  await pass(LEASE_MS);
  await bot.close();
  assert.deepEqual(asked, ["join A"]);
});

test("joined again at once after a leave it is a member", async (t) => {
  const { channel, asked, answer, pass } = setUp(t);
  const joining = channel.join("A");
  await answer();
  const again = [(await joining).leave(), channel.join("B")];
  await answer({ ok: true });
  await answer();
  await Promise.all(again);
  await pass(LEASE_MS / 3);
  assert.deepEqual(asked, ["join A", "leave", "join B", "join B"]);
});
