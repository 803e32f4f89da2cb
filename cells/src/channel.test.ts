/** A channel in good weather: what is published becomes records, in order, once, as many at a time as wait. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRecord, readHead } from "@plexus/protocol";
import { type Held, nothingHeld } from "./channel.js";
import { emptyChannel } from "./loader.js";
import {
  batch,
  coldChannel,
  idleChannel,
  inRecord,
  item,
  NOW,
  only,
  theAppend,
  told,
} from "./testing/channels.js";
import { CHANNEL, EPOCH } from "./testing/past.js";

test("the first record of a channel begins with 1, under the epoch of its log, fenced by 0", () => {
  const channel = idleChannel();
  channel.publish(batch("a", "b"), "ann", NOW);
  const append = theAppend(channel);
  assert.equal(append.fence, 0);
  assert.deepEqual(readHead(append.bytes), { op: "msg", ch: CHANNEL, epoch: EPOCH, seq: 1, n: 2 });
  assert.deepEqual(
    decodeRecord(append.bytes).m.map(({ id, ts }) => [id, ts]),
    [
      ["a", NOW],
      ["b", NOW],
    ],
  );
});

test("nothing is answered before the log has stored it", () => {
  const channel = idleChannel();
  channel.publish(batch("a"), "ann", NOW);
  theAppend(channel);
  assert.deepEqual(channel.position, { epoch: EPOCH, seq: 0 });
  channel.appended(7, NOW + 5);
  assert.deepEqual(only(channel, "answer"), [
    { do: "answer", to: "ann", messages: 1, answer: [EPOCH, 1, NOW] },
  ]);
  assert.deepEqual([channel.position.seq, channel.fence, channel.state], [1, 7, "idle"]);
});

test("what comes before the log was read waits for it", () => {
  const channel = coldChannel();
  channel.publish(batch("a"), "ann", NOW);
  channel.publish(batch("b"), "bob", NOW);
  assert.deepEqual(channel.takeEffects(), []);
  assert.equal(channel.quiet, false);
  const loaded = { ...emptyChannel(EPOCH), position: { epoch: "old", seq: 41 }, fence: 9, fresh: false };
  channel.loaded(loaded, true, NOW);
  const append = theAppend(channel);
  assert.deepEqual([inRecord(append.bytes), append.fence], ["42: a,b", 9]);
  assert.equal(readHead(append.bytes)?.epoch, "old");
});

test("group commit: while one append is under way, all that comes gathers into the next record", () => {
  const channel = idleChannel();
  channel.publish(batch("a"), "ann", NOW);
  assert.equal(inRecord(theAppend(channel).bytes), "1: a");
  channel.publish(batch("b", "c"), "bob", NOW);
  channel.publish(batch("d"), "cat", NOW);
  assert.deepEqual(channel.takeEffects(), [], "one append at a time");
  assert.equal(channel.mailboxMessages, 3);
  channel.appended(1, NOW + 1);
  const effects = channel.takeEffects();
  assert.deepEqual(told(effects), ["ann: 1"]);
  const next = effects.at(-1);
  assert.ok(next?.do === "append" && inRecord(next.bytes) === "2: b,c,d" && next.fence === 1);
  assert.deepEqual(
    next.taken.map(({ to, messages }) => [to, messages]),
    [
      ["bob", 2],
      ["cat", 1],
    ],
    "their wait in the mailbox is over",
  );
  channel.appended(2, NOW + 2);
  assert.deepEqual(told(only(channel, "answer")), ["bob: 2,3", "cat: 4"]);
  assert.ok(channel.quiet);
});

test("all messages of a record have its time, which is what is answered", () => {
  const channel = idleChannel();
  channel.publish(batch("a"), "ann", NOW);
  theAppend(channel);
  channel.publish(batch("b"), "bob", NOW + 1);
  channel.appended(1, NOW + 30);
  channel.takeEffects();
  channel.appended(2, NOW + 60);
  const [answer] = only(channel, "answer");
  assert.deepEqual(answer?.answer, [EPOCH, 2, NOW + 30]);
});

test("an id of the window is answered with its first position, and nothing is stored", () => {
  const channel = idleChannel();
  channel.publish(batch("a"), "ann", NOW);
  theAppend(channel);
  channel.appended(1, NOW);
  channel.takeEffects();
  channel.publish(batch("a"), "bob", NOW + 100);
  assert.deepEqual(only(channel, "answer"), [
    { do: "answer", to: "bob", messages: 1, answer: [EPOCH, 2, NOW + 100, [[1, NOW, true]]] },
  ]);
  assert.equal(channel.state, "idle");
});

test("an id of the window among new ones: only the new ones are stored, and all are answered in order", () => {
  const channel = idleChannel();
  channel.publish(batch("a"), "ann", NOW);
  theAppend(channel);
  channel.appended(1, NOW);
  channel.takeEffects();
  channel.publish(batch("b", "a", "c"), "bob", NOW + 1);
  assert.equal(inRecord(theAppend(channel).bytes), "2: b,c");
  channel.appended(2, NOW + 1);
  assert.deepEqual(told(only(channel, "answer")), ["bob: 2,1d,3"]);
});

test("an id twice in one record, in one batch or in two, is stored once", () => {
  const channel = idleChannel();
  channel.publish(batch("z"), "ann", NOW);
  theAppend(channel);
  channel.publish(batch("a", "a"), "bob", NOW);
  channel.publish(batch("a", "b"), "cat", NOW);
  channel.appended(1, NOW);
  const append = channel.takeEffects().at(-1);
  assert.ok(append?.do === "append" && inRecord(append.bytes) === "2: a,b");
  channel.appended(2, NOW);
  assert.deepEqual(told(only(channel, "answer")), ["bob: 2,2d", "cat: 2d,3"]);
});

test("an id that is just being appended is a duplicate once that is done", () => {
  const channel = idleChannel();
  channel.publish(batch("a"), "ann", NOW);
  theAppend(channel);
  channel.publish(batch("a"), "ann again", NOW);
  channel.appended(1, NOW);
  assert.deepEqual(told(only(channel, "answer")), ["ann: 1", "ann again: 1d"]);
  assert.ok(channel.quiet);
});

test("the same id from another user is another message", () => {
  const channel = idleChannel();
  channel.publish(batch(item("a"), item("a", { user: "bob" })), "both", NOW);
  assert.equal(inRecord(theAppend(channel).bytes), "1: a,a");
});

const madeItems = (...ids: string[]) => ids.map((id) => item(id, { given: false }));
const made = (...ids: string[]) => batch(...madeItems(...ids));

test("a batch of made ids that comes again is known by the first of them, whatever came in between", () => {
  const channel = idleChannel();
  channel.publish(made("a", "b", "c"), "ann", NOW);
  channel.publish(made("x"), "bob", NOW);
  theAppend(channel);
  channel.appended(1, NOW);
  channel.appended(2, NOW);
  channel.takeEffects();
  channel.publish(made("a", "b", "c"), "ann", NOW + 1);
  assert.deepEqual(told(only(channel, "answer")), ["ann: 1d,2d,3d"]);
});

test("a batch of made ids that comes twice before it is stored is stored once", () => {
  const channel = idleChannel();
  channel.publish(batch("first"), "bob", NOW);
  for (let i = 0; i < 2; i++) channel.publish(made("a", "b"), "ann", NOW);
  theAppend(channel);
  channel.appended(1, NOW);
  channel.takeEffects();
  channel.appended(2, NOW);
  assert.deepEqual(told(only(channel, "answer")), ["ann: 2,3", "ann: 2d,3d"]);
});

test("made ids that were read back from the log, each by itself, are known as well", () => {
  const channel = coldChannel();
  const ids = ["a", "b"].map((id, i) => ({ id, user: "ann", seq: 4 + i, ts: NOW }));
  channel.loaded({ ...emptyChannel(EPOCH), position: { epoch: EPOCH, seq: 5 }, fence: 9, ids }, true, NOW);
  channel.publish(made("a", "b"), "ann", NOW);
  assert.deepEqual(told(only(channel, "answer")), ["ann: 4d,5d"]);
});

test("among made ids one that was chosen is known by itself", () => {
  const channel = idleChannel();
  channel.publish(batch(item("m", { user: "bob" })), "bob", NOW);
  theAppend(channel);
  channel.appended(1, NOW);
  channel.takeEffects();
  const mixed = [...madeItems("a"), item("m", { user: "ann" }), ...madeItems("b")];
  channel.publish(batch(...mixed, item("m", { user: "bob" })), "ann", NOW);
  theAppend(channel);
  channel.appended(2, NOW);
  assert.deepEqual(told(only(channel, "answer")), ["ann: 2,3,4,1d"]);
  channel.publish(batch(...mixed), "ann", NOW);
  assert.deepEqual(told(only(channel, "answer")), ["ann: 2d,3d,4d"]);
});

test("chosen ids are remembered for two minutes; made ones too, or as long as a gateway retries where there are many", () => {
  assert.deepEqual(remembered(nothingHeld()), [["ann: 1d,2d"], ["ann: 1d,2d"], ["ann: 3,4"]]);
  const many = { ...nothingHeld(), madeIds: { ids: 10_000_000 } };
  assert.deepEqual(remembered(many), [["ann: 1d,2d"], ["ann: 1d,3"], ["ann: 4,3d"]]);
  assert.equal(many.madeIds.ids, 10_000_000, "those of a channel that was closed do not count");
});

/** What is told of a chosen and a made id that come again: 20 s and 2 minutes after the first time, or just before. */
function remembered(held: Held): string[][] {
  const channel = idleChannel({}, held);
  channel.publish(batch(item("chosen"), item("made", { given: false })), "ann", NOW);
  theAppend(channel);
  channel.appended(1, NOW);
  channel.takeEffects();
  const again = (now: number) => {
    channel.publish(batch(item("chosen"), item("made", { given: false })), "ann", now);
    const effects = channel.takeEffects();
    if (effects.some((effect) => effect.do === "append")) channel.appended(channel.fence + 1, now);
    return told([...effects, ...channel.takeEffects()]);
  };
  const all = [again(NOW + 19_999), again(NOW + 119_999), again(NOW + 120_000)];
  channel.close();
  return all;
}

test("ids that the log remembers are duplicates for a new actor", () => {
  const channel = coldChannel();
  const ids = [{ id: "a", user: "ann", seq: 40, ts: NOW - 1_000 }];
  const loaded = { ...emptyChannel("old"), position: { epoch: "old", seq: 41 }, fence: 9, ids };
  channel.loaded(loaded, true, NOW);
  channel.publish(batch("a"), "ann", NOW);
  assert.deepEqual(only(channel, "answer"), [
    { do: "answer", to: "ann", messages: 1, answer: ["old", 42, NOW, [[40, NOW - 1_000, true]]] },
  ]);
});

test("ids that are still in the log are read before the first publish, and only then", () => {
  const channel = coldChannel();
  channel.loaded(
    { ...emptyChannel("old"), position: { epoch: "old", seq: 41 }, fence: 9, ids: null },
    true,
    NOW,
  );
  assert.deepEqual(channel.takeEffects(), []);
  channel.publish(batch("a"), "ann", NOW);
  channel.publish(batch("b"), "bob", NOW);
  assert.deepEqual(only(channel, "window"), [{ do: "window", newest: null }]);
  channel.windowRead([{ id: "a", user: "ann", seq: 40, ts: NOW - 1_000 }], NOW);
  assert.equal(inRecord(theAppend(channel).bytes), "42: b");
  channel.appended(10, NOW);
  assert.deepEqual(told(only(channel, "answer")), ["ann: 40d", "bob: 42"]);
});

test("ids that can't be read from the log make a publish unavailable, and are asked for again", () => {
  const channel = coldChannel();
  channel.loaded({ ...emptyChannel("old"), fence: 9, ids: null }, true, NOW);
  channel.publish(batch("a"), "ann", NOW);
  channel.takeEffects();
  channel.windowRead(null, NOW);
  assert.deepEqual(told(only(channel, "refuse")), ["ann: unavailable"]);
  channel.publish(batch("a"), "ann", NOW);
  assert.deepEqual(only(channel, "window"), [{ do: "window", newest: null }]);
});

test("the tail holds what was stored, and only that", () => {
  const channel = idleChannel();
  channel.publish(batch("a", "b"), "ann", NOW);
  const { bytes } = theAppend(channel);
  assert.equal(channel.tail.oldest, undefined);
  channel.appended(5, NOW);
  assert.deepEqual(channel.tail.after(0), [{ seq: 1, n: 2, bytes, at: NOW }]);
  assert.deepEqual(channel.segments, [{ cell: "eu-1", first: 1, last: 2, low: 1, high: 5 }]);
});

test("an empty batch is answered with nothing, and stores nothing", () => {
  const channel = idleChannel();
  const empty = [new Uint8Array(), [], []] as const;
  channel.publish(empty, "ann", NOW);
  assert.deepEqual(told(only(channel, "answer")), ["ann: "]);
  channel.publish(batch("a"), "ann", NOW);
  theAppend(channel);
  channel.publish(empty, "bob", NOW);
  channel.publish(batch("b"), "ann", NOW);
  channel.appended(1, NOW);
  const append = channel.takeEffects().at(-1);
  assert.ok(append?.do === "append" && inRecord(append.bytes) === "2: b");
});

test("a repetition that waits for so long that its ids are over by then is not stored again", () => {
  const channel = idleChannel({ recordMessages: 1 });
  channel.publish(batch(item("g", { given: false })), "ann", NOW);
  theAppend(channel);
  channel.publish(batch("a"), "bob", NOW + 9_000);
  channel.publish(batch(item("g", { given: false })), "ann, once more", NOW + 9_000);
  channel.appended(1, NOW + 9_500);
  assert.deepEqual(told(channel.takeEffects()), ["ann: 1"]);
  // A log that takes that long for each of the records in between.
  channel.appended(2, NOW + 30_000);
  assert.deepEqual(told(channel.takeEffects()), ["bob: 2", "ann, once more: moved"]);
  assert.equal(channel.position.seq, 2);
  assert.ok(channel.quiet, "nothing is on its way to the log");
});
