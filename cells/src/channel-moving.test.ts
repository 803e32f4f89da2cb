/** A channel that is given to another cell: sealed after what is under way, handed over once, and silent from then on. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { decodeControl, type SealRecord } from "@plexus/protocol";
import { encodeAnswers } from "@plexus/runtime";
import type { Channel } from "./channel.js";
import { emptyChannel } from "./loader.js";
import {
  batch,
  coldChannel,
  type Does,
  idleChannel,
  inRecord,
  item,
  NOW,
  only,
  theAppend,
  told,
} from "./testing/channels.js";
import { EPOCH, recordOf } from "./testing/past.js";

let channel: Channel<string>;

/** A channel whose messages 1 and 2 lie in the log's record 10. */
beforeEach(() => {
  channel = idleChannel();
  channel.publish(batch("a", "b"), "ann", NOW);
  theAppend(channel);
  channel.appended(10, NOW);
  channel.takeEffects();
});

function sealOf({ bytes }: Does<"append">): SealRecord {
  const record = decodeControl(bytes);
  assert.ok(record.op === "seal");
  return record;
}

/** Has the channel sealed and given to us-1; returns what was answered. */
function given(): Does<"release"> {
  channel.release("us-1", "us", NOW);
  theAppend(channel);
  channel.appended(11, NOW);
  return only(channel, "release")[0]!;
}

const STRETCH = { cell: "eu-1", first: 1, last: 2, low: 1, high: 10 };

test("whoever asks for an idle channel gets it: a seal behind the newest record, then all that an actor knows", () => {
  channel.release("us-1", "us", NOW + 5);
  const append = theAppend(channel);
  assert.equal(append.fence, 10);
  const { seq, n, epoch, to, fresh, segments } = sealOf(append);
  assert.deepEqual([seq, n, epoch, to, fresh, segments], [3, 0, EPOCH, "us-1", false, [STRETCH]]);
  channel.appended(11, NOW + 6);
  const [{ answer, to: asker }] = only(channel, "release") as [Does<"release">];
  assert.equal(asker, "us");
  assert.equal(answer.elsewhere, null);
  assert.deepEqual(answer.handover?.position, { epoch: EPOCH, seq: 2 });
  assert.deepEqual(answer.handover?.segments, [STRETCH]);
  assert.deepEqual(answer.handover?.ids, [
    ["a", "ann", 1, NOW],
    ["b", "ann", 2, NOW],
  ]);
  assert.deepEqual(answer.handover?.tail.map(inRecord), ["1: a,b"]);
  assert.equal(channel.serves, false);
});

test("an id that stands for those that came with it is handed over for all of them", () => {
  channel.publish(batch(item("c", { given: false }), item("d", { given: false })), "ann", NOW);
  theAppend(channel);
  channel.appended(10, NOW);
  channel.takeEffects();
  const { handover } = given().answer;
  assert.deepEqual(handover.ids, [
    ["a", "ann", 1, NOW],
    ["b", "ann", 2, NOW],
    ["c", "ann", 3, NOW],
  ]);
});

test("what is under way is finished and answered first; what waits behind it is told to ask elsewhere", () => {
  channel.publish(batch("c"), "ann", NOW);
  theAppend(channel);
  channel.publish(batch("d"), "bob", NOW);
  channel.release("us-1", "us", NOW);
  assert.deepEqual(channel.takeEffects(), []);
  channel.appended(11, NOW);
  const effects = channel.takeEffects();
  assert.deepEqual(told(effects), ["ann: 3"]);
  const seal = effects.at(-1);
  assert.ok(seal?.do === "append" && seal.fence === 11 && sealOf(seal).seq === 4);
  channel.publish(batch("e"), "cat", NOW);
  channel.appended(12, NOW);
  const after = channel.takeEffects();
  assert.deepEqual(told(after), ["bob: moved", "cat: moved"]);
  const release = after.find((effect) => effect.do === "release");
  assert.equal(release?.answer.handover?.position.seq, 3);
});

test("after the seal nothing is taken here any more", () => {
  given();
  channel.publish(batch("c"), "ann", NOW);
  assert.deepEqual(told(channel.takeEffects()), ["ann: moved"]);
  assert.equal(channel.state, "sealed");
});

test("whoever asks again gets the same answer; another cell is told who has it, and gets it as well in case", () => {
  const first = given();
  channel.release("us-1", "us again", NOW);
  channel.release("ap-1", "ap", NOW);
  const [again, other] = only(channel, "release");
  assert.deepEqual(again?.answer, first.answer);
  assert.deepEqual(other?.answer, { ...first.answer, elsewhere: "us-1" });
});

test("of two cells that ask at the same time the first gets it", () => {
  channel.release("us-1", "us", NOW);
  channel.release("ap-1", "ap", NOW);
  assert.equal(sealOf(theAppend(channel)).to, "us-1");
  channel.appended(11, NOW);
  const [first, second] = only(channel, "release");
  assert.notEqual(first?.answer.handover, null);
  assert.equal(second?.answer.elsewhere, "us-1");
});

test("a seal whose fate is unknown is looked up like any record", () => {
  channel.release("us-1", "us", NOW);
  const append = theAppend(channel);
  channel.unsure();
  assert.deepEqual(only(channel, "load"), [{ do: "load" }]);
  channel.verified(10, recordOf(1, 2, NOW), NOW);
  assert.deepEqual(theAppend(channel), append);
  channel.unsure();
  channel.takeEffects();
  channel.verified(11, append.bytes.slice(), NOW);
  assert.equal(only(channel, "release").length, 1);
});

test("a seal that another writer forestalled ends the actor, and the cell asks a new one", () => {
  channel.release("us-1", "us", NOW);
  theAppend(channel);
  channel.unsure();
  channel.takeEffects();
  channel.verified(11, recordOf(3, 1, NOW), NOW);
  const effects = channel.takeEffects();
  assert.deepEqual(told(effects), ["us: moved"]);
  assert.equal(effects.at(-1)?.do, "close");
});

test("a channel that can't be sealed is not given away", () => {
  channel.release("us-1", "us", NOW);
  theAppend(channel);
  channel.appendRefused("maximum bytes exceeded");
  assert.deepEqual(told(channel.takeEffects()), ["us: moved"]);
  assert.equal(channel.state, "closed");
});

test("whoever asks before the log was read waits for it", () => {
  const cold = coldChannel();
  cold.release("us-1", "us", NOW);
  cold.publish(batch("c"), "ann", NOW);
  assert.deepEqual(cold.takeEffects(), []);
  cold.loaded({ ...emptyChannel(EPOCH), fresh: false, fence: 4, ids: null }, true, NOW);
  assert.equal(theAppend(cold).fence, 4);
  cold.appended(5, NOW);
  const effects = cold.takeEffects();
  assert.deepEqual(told(effects), ["ann: moved"]);
  const release = effects.find((effect) => effect.do === "release");
  assert.equal(release?.answer.handover?.ids, null, "ids that were never read are in the log");
});

test("a channel never written to and at home elsewhere only waits to be asked for", () => {
  const absent = coldChannel();
  absent.publish(batch("c"), "ann", NOW);
  absent.loaded(emptyChannel(EPOCH), false, NOW);
  assert.deepEqual(told(absent.takeEffects()), ["ann: moved"]);
  assert.deepEqual([absent.state, absent.serves], ["absent", false]);
  absent.release("us-1", "us", NOW);
  assert.equal(sealOf(theAppend(absent)).fresh, true);
  assert.equal(
    absent.serves,
    false,
    "nobody is told where the empty log stands, also while it is being sealed",
  );
  absent.publish(batch("d"), "bob", NOW);
  assert.deepEqual(told(absent.takeEffects()), ["bob: moved"]);
  absent.appended(1, NOW);
  const [release] = only(absent, "release");
  assert.deepEqual(
    [release?.answer.handover?.fresh, release?.answer.handover?.position],
    [true, { epoch: EPOCH, seq: 0 }],
  );
});

test("a channel that lives here although its home is elsewhere is served until it is asked for", () => {
  const living = coldChannel();
  living.loaded(
    { ...emptyChannel(EPOCH), position: { epoch: EPOCH, seq: 4 }, fence: 9, fresh: false },
    false,
    NOW,
  );
  living.publish(batch("c"), "ann", NOW);
  assert.equal(inRecord(theAppend(living).bytes), "5: c");
});

test("a channel whose newest record is a seal hands over at once", () => {
  const sealed = coldChannel();
  sealed.publish(batch("c"), "ann", NOW);
  const loaded = { ...emptyChannel(EPOCH), position: { epoch: EPOCH, seq: 4 }, fence: 9, fresh: false };
  sealed.loaded(
    { ...loaded, sealedTo: "us-1", segments: [STRETCH], stretch: { first: 5, opened: 0 } },
    true,
    NOW,
  );
  assert.deepEqual(told(sealed.takeEffects()), ["ann: moved"]);
  sealed.release("us-1", "us", NOW);
  const [release] = only(sealed, "release");
  assert.deepEqual(release?.answer.handover?.segments, [STRETCH]);
});

test("ids whose time is over are forgotten when it is said so, also where nothing more is published", () => {
  channel.publish(batch(item("made", { given: false })), "bob", NOW + 1);
  theAppend(channel);
  channel.appended(11, NOW + 1);
  channel.takeEffects();
  channel.forgetOldIds(NOW + 125_000);
  channel.release("us-1", "us", NOW + 125_000);
  theAppend(channel);
  channel.appended(12, NOW + 125_000);
  assert.deepEqual(only(channel, "release")[0]!.answer.handover?.ids, []);
});

test("of too many ids those that gateways made long ago stay behind: the new home need not ask the log for the others", () => {
  let log = 10;
  const store = (id: string, n: number, now: number) => {
    for (let i = 0; i < n; i++) channel.publish(batch(item(`${id}${i}`, { given: false })), "bob", now);
    while (channel.state === "appending") channel.appended(++log, now);
    channel.takeEffects();
  };
  store("old", 4_000, NOW + 1);
  store("new", 3, NOW + 100_000);
  channel.release("us-1", "us", NOW + 110_000);
  theAppend(channel);
  channel.appended(++log, NOW + 110_000);
  const { handover } = only(channel, "release")[0]!.answer;
  assert.equal(handover.ids?.map(([id]) => id).join(), "a,b,new0,new1,new2");

  const home = coldChannel();
  const ids = handover.ids!.map(([id, user, seq, ts]) => ({ id, user, seq, ts }));
  home.loaded(
    { ...emptyChannel(EPOCH), position: handover.position, fresh: false, ids },
    true,
    NOW + 110_000,
  );
  home.publish(batch(item("new1", { given: false }), "b"), "ann", NOW + 110_000);
  assert.deepEqual(told(only(home, "answer")), ["ann: 4004d,2d"]);
});

test("a hand-over fits one message: ids that are too large together are left in the log", () => {
  const long = (i: number) => `${i}`.padEnd(128, "€");
  channel.publish(batch(...Array.from({ length: 2_000 }, (_, i) => long(i))), "ann", NOW);
  theAppend(channel);
  channel.appended(11, NOW);
  channel.takeEffects();
  const { answer } = given();
  assert.equal(answer.handover?.ids, null);
  assert.ok(encodeAnswers([[1, null, answer]]).length < 1024 * 1024);
});

test("whoever asks a closed channel is told to ask again", () => {
  channel.close();
  channel.takeEffects();
  channel.release("us-1", "us", NOW);
  assert.deepEqual(told(channel.takeEffects()), ["us: moved"]);
});

test("a new note of where the past is goes in between two records, and the next follows it", () => {
  channel.publish(batch("c"), "ann", NOW);
  theAppend(channel);
  channel.publish(batch("d"), "bob", NOW);
  channel.reopen(2, NOW);
  channel.appended(11, NOW);
  const note = channel.takeEffects().at(-1);
  assert.ok(note?.do === "append");
  const open = decodeControl(note.bytes);
  assert.deepEqual(
    [open.op, open.seq, open.segments, note.fence],
    ["open", 4, [{ ...STRETCH, last: 3, high: 11 }], 11],
  );
  channel.appended(12, NOW);
  const next = theAppend(channel);
  assert.deepEqual([inRecord(next.bytes), next.fence, next.opened], ["4: d", 12, 12]);
  channel.appended(13, NOW);
  assert.deepEqual(channel.segments, [
    { ...STRETCH, last: 3, high: 11 },
    { cell: "eu-1", first: 4, last: 4, low: 12, high: 13 },
  ]);
});
