/** One channel's relay at work, between a bus and an actor that the test plays. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { type Commands, EMPTY_DIRECTORY, Settings } from "@plexus/runtime";
import { deferred, silent, until } from "@plexus/runtime/testing";
import { ChannelRelay } from "./channel-relay.js";
import type { RelayContext } from "./relay-context.js";
import { recordOf } from "./testing/model-channel.js";

type Read = Commands["read"];

/** Questions to the actor, to be answered by the test. */
let asked: Array<{ kind: string; body: Read["ask"]; answer: (answer: unknown) => void; fail: () => void }>;
/** What was handed to subscribers: ops and seqs. */
let published: string[];
let onEvent: (bytes: Uint8Array) => void;
let channel: ChannelRelay;

beforeEach(async () => {
  asked = [];
  published = [];
  const nats = {
    subscribe: (_subject: string, { callback }: { callback: (error: null, message: object) => void }) => {
      onEvent = (data) => callback(null, { data });
      return { unsubscribe: () => undefined };
    },
  };
  const router = {
    ask: (kind: string, _tenant: string, _channel: string, body: Read["ask"]) => {
      const { promise, resolve, reject } = deferred<unknown>();
      asked.push({ kind, body, answer: resolve, fail: () => reject(new Error("away")) });
      return promise;
    },
  };
  const fanOut = {
    publish: (_key: string, _feed: string, bytes: Uint8Array) => {
      const { op, seq } = JSON.parse(Buffer.from(bytes).toString()) as { op: string; seq?: number };
      published.push(seq === undefined ? op : `${op} ${seq}`);
      return 1;
    },
  };
  const context = {
    nats,
    router,
    fanOut,
    directory: { current: EMPTY_DIRECTORY },
    gateway: "g1",
    tenants: { delivered: () => undefined },
    log: silent,
  };
  const whole = {
    ...context,
    settings: new Settings(),
    tracer: { active: false },
  } as unknown as RelayContext;
  channel = new ChannelRelay(
    { context: whole, tails: { bytes: 0 }, due: () => undefined },
    "t/chat.a",
    "t",
    "chat.a",
  );
  const head = take("head");
  head.answer({ head: { epoch: "e", seq: 10 }, presence: null, members: 0 });
  await channel.opened;
});

afterEach(() => channel.stop());

function take(kind: string): (typeof asked)[number] {
  const at = asked.findIndex((each) => each.kind === kind);
  assert.ok(at >= 0, `no ${kind} was asked`);
  return asked.splice(at, 1)[0]!;
}

function answerOf(headSeq: number, seqs: number[], epoch = "e"): Read["answer"] {
  const records = seqs.map((seq) => recordOf(epoch, seq, 1));
  return { head: { epoch, seq: headSeq }, state: "ok", records, oldest: 1 };
}

function tail(): number[] {
  const { oldest } = channel.relay.tail;
  return oldest === undefined ? [] : channel.relay.tail.after(oldest - 1)!.map(({ seq }) => seq);
}

test("records go to subscribers as they come; what is missing is fetched in between", async () => {
  onEvent(recordOf("e", 11, 1));
  onEvent(recordOf("e", 13, 1));
  assert.deepEqual(published, ["msg 11"]);
  const question = take("read");
  assert.deepEqual(question.body, { after: 11, epoch: "e", limit: 1_000 });
  question.answer(answerOf(13, [12, 13]));
  await until("the gap is closed", () => published.length === 3);
  assert.deepEqual(published, ["msg 11", "msg 12", "msg 13"]);
});

test("signals pass by; what is neither record nor signal nor presence is not handed on", () => {
  onEvent(Buffer.from('{"op":"signal","ch":"chat.a","user":"u","conn":"c","data":1}'));
  onEvent(Buffer.from('{"op":"seal","ch":"chat.a","epoch":"e","seq":11,"n":0,"to":"x"}'));
  onEvent(Buffer.from('{"op":"msg","ch":"chat.a"}'));
  onEvent(Buffer.from(""));
  assert.deepEqual(published, ["signal"]);
});

test("a fetch that fails is tried again by the next comparison of heads", async () => {
  onEvent(recordOf("e", 12, 1));
  take("read").fail();
  await until("a comparison is due soon", () => channel.nextCheckAt < performance.now() + 1_000);
  const checked = channel.check();
  take("head").answer({ head: { epoch: "e", seq: 12 }, presence: null, members: 0 });
  await checked;
  take("read").answer(answerOf(12, [11, 12]));
  await until("the gap is closed", () => published.length === 2);
});

test("a channel that goes on in another epoch is told by one reset", async () => {
  onEvent(recordOf("f", 1, 1));
  take("head").answer({ head: { epoch: "f", seq: 1 }, presence: null, members: 0 });
  await until("the first message of the new epoch", () => published.length === 2);
  assert.deepEqual(published, ["reset 0", "msg 1"]);
});

test("the first member here is compared with what the actor knows within 10 s, not with the next comparison", () => {
  const now = performance.now();
  channel.checkAt(now + 30_000);
  channel.memberJoined({ conn: "c1", user: "ann", state: null, since: 1 });
  assert.ok(channel.nextCheckAt <= performance.now() + 10_000);
  channel.checkAt(now + 500);
  channel.memberLeft("c1");
  channel.memberJoined({ conn: "c2", user: "bob", state: null, since: 2 });
  assert.equal(channel.nextCheckAt, now + 500, "and no later than that");
});

test("a channel that was opened in another epoch is compared soon; in its own, it has only moved", () => {
  const dueAt = channel.nextCheckAt;
  const open = (epoch: string) =>
    onEvent(
      Buffer.from(`{"op":"open","ch":"chat.a","epoch":"${epoch}","seq":11,"n":0,"from":null,"segments":[]}`),
    );
  open("e");
  assert.equal(channel.nextCheckAt, dueAt);
  open("f");
  assert.ok(channel.nextCheckAt <= performance.now());
  assert.deepEqual(published, []);
});

test("a comparison anew does not take the answer to an older question, and is shared by all who wait for it", async () => {
  const older = channel.check();
  const anew = Promise.all([channel.checkAnew(), channel.checkAnew()]);
  take("head").answer({ head: { epoch: "e", seq: 10 }, presence: null, members: 0 });
  await older;
  await until("the second question", () => asked.length === 1);
  take("head").answer({ head: { epoch: "e", seq: 12 }, presence: null, members: 0 });
  await anew;
  assert.deepEqual(take("read").body, { after: 10, epoch: "e", limit: 1_000 });
  assert.equal(asked.length, 0);
});

test("a head that was asked for before the channel went on elsewhere takes nothing back", async () => {
  const checked = channel.check();
  const head = take("head");
  onEvent(recordOf("e", 12, 1));
  take("read").answer({ ...answerOf(3, [], "f"), state: "unknown" });
  await until("the reset", () => published.length === 1);
  head.answer({ head: { epoch: "e", seq: 12 }, presence: null, members: 0 });
  await checked;
  assert.deepEqual([published, channel.position], [["reset 3"], { epoch: "f", seq: 3 }]);
  assert.ok(channel.nextCheckAt < performance.now() + 1_000, "but it is asked again soon");
});

test("a comparison that began before another epoch was heard of does not deny it", async () => {
  const checked = channel.check();
  const early = take("head");
  onEvent(recordOf("f", 1, 1));
  early.answer({ head: { epoch: "e", seq: 10 }, presence: null, members: 0 });
  await until("it is asked again", () => asked.length === 1);
  take("head").answer({ head: { epoch: "f", seq: 1 }, presence: null, members: 0 });
  await checked;
  assert.deepEqual(published, ["reset 0", "msg 1"]);
});

test("a position that the log does not have costs the actor a few questions, far apart", async () => {
  onEvent(recordOf("e", 1_000, 1));
  for (let i = 0; i < 3; i++) {
    await until("a question", () => asked.length === 1);
    const askedAt = performance.now();
    take("read").answer(answerOf(10, []));
    if (i > 0) continue;
    await until("the next question", () => asked.length === 1);
    assert.ok(performance.now() - askedAt >= 70, "not at once");
  }
});

test("the tail is filled backwards to where it begins, once for all who wait", async () => {
  onEvent(recordOf("e", 11, 1));
  const filled = Promise.all([channel.fillTail(), channel.fillTail()]);
  const question = take("read");
  assert.deepEqual(question.body, { before: 11, epoch: "e", limit: 1_000 });
  onEvent(recordOf("e", 12, 1));
  question.answer(answerOf(12, [8, 9, 10]));
  await filled;
  assert.deepEqual(tail(), [8, 9, 10, 11, 12]);
  assert.equal(asked.length, 0);
});

test("an empty tail is filled only with what reaches the present position", async () => {
  const filled = channel.fillTail();
  take("read").answer(answerOf(10, [9, 10]));
  await filled;
  assert.deepEqual(tail(), [9, 10]);
});

test("a tail that was let go while it was being filled is not given a past without a present", async () => {
  onEvent(recordOf("e", 11, 1));
  const filled = channel.fillTail();
  channel.relay.tail.clear();
  take("read").answer(answerOf(11, [8, 9, 10]));
  await filled;
  assert.deepEqual(tail(), []);
});
