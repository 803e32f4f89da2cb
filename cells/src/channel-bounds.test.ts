/** Every queue of a channel has a bound, and whoever reaches it is told to come back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { recordBytes } from "@plexus/protocol";
import { batch, idleChannel, inRecord, item, NOW, only, theAppend, told } from "./testing/channels.js";

const ITEM_BYTES = item("a").bytes;

test("the mailbox holds so many messages; a batch that does not fit is refused as a whole", () => {
  const channel = idleChannel({ mailboxMessages: 3 });
  channel.publish(batch("first"), "ann", NOW);
  theAppend(channel);
  channel.publish(batch("a", "b"), "bob", NOW);
  channel.publish(batch("c", "d"), "cat", NOW);
  assert.deepEqual(only(channel, "refuse"), [
    { do: "refuse", to: "cat", error: ["rate_limited", "the channel's mailbox is full", 200] },
  ]);
  channel.publish(batch("e"), "dan", NOW);
  assert.deepEqual(channel.takeEffects(), []);
  assert.equal(channel.mailboxMessages, 3);
  channel.appended(1, NOW);
  assert.deepEqual(told(channel.takeEffects()), ["ann: 1"]);
  assert.equal(channel.mailboxMessages, 0);
});

test("the mailbox holds so many bytes; what was taken out makes room", () => {
  const channel = idleChannel({ mailboxBytes: 2 * ITEM_BYTES + 1 });
  channel.publish(batch("a"), "ann", NOW);
  theAppend(channel);
  channel.publish(batch("b", "c"), "bob", NOW);
  channel.publish(batch("d"), "cat", NOW);
  assert.deepEqual(told(only(channel, "refuse")), ["cat: rate_limited"]);
  channel.appended(1, NOW);
  channel.takeEffects();
  channel.publish(batch("d", "e"), "cat", NOW);
  assert.deepEqual(channel.takeEffects(), []);
});

test("bytes are those of UTF-8, not characters", () => {
  const wide = { ...item("a"), fragment: "€".repeat(100), bytes: 300 };
  const channel = idleChannel({ mailboxBytes: 299 });
  channel.publish(batch(wide), "ann", NOW);
  assert.deepEqual(told(only(channel, "refuse")), ["ann: rate_limited"]);
});

test("a record holds so many messages; the rest goes into the next", () => {
  const channel = idleChannel({ recordMessages: 3 });
  channel.publish(batch("first"), "ann", NOW);
  theAppend(channel);
  for (const id of ["a", "b", "c", "d", "e"]) channel.publish(batch(id), id, NOW);
  channel.appended(1, NOW);
  const records = [];
  for (let logSeq = 2; channel.state === "appending"; logSeq++) {
    const append = channel.takeEffects().find((effect) => effect.do === "append");
    records.push(inRecord(append!.bytes));
    channel.appended(logSeq, NOW);
  }
  assert.deepEqual(records, ["2: a,b,c", "5: d,e"]);
});

test("a record is so many bytes large at most", () => {
  const bytes = recordBytes(2 * ITEM_BYTES, 2);
  const channel = idleChannel({ recordBytes: bytes });
  channel.publish(batch("first"), "ann", NOW);
  theAppend(channel);
  for (const id of ["a", "b", "c"]) channel.publish(batch(id), id, NOW);
  channel.appended(1, NOW);
  const append = channel.takeEffects().find((effect) => effect.do === "append");
  assert.equal(inRecord(append!.bytes), "2: a,b");
  assert.ok(append!.bytes.length <= bytes);
});

test("a batch stays together, also where it alone is larger than a record should be", () => {
  const channel = idleChannel({ recordMessages: 2 });
  channel.publish(batch("first"), "ann", NOW);
  theAppend(channel);
  channel.publish(batch("a"), "bob", NOW);
  channel.publish(batch("b", "c", "d"), "cat", NOW);
  channel.appended(1, NOW);
  assert.equal(inRecord(channel.takeEffects().find((effect) => effect.do === "append")!.bytes), "2: a");
  channel.appended(2, NOW);
  assert.equal(inRecord(channel.takeEffects().find((effect) => effect.do === "append")!.bytes), "3: b,c,d");
});

test("a full idempotency window refuses, and forgets nothing that it promised to remember", () => {
  const channel = idleChannel({ windowIds: 2 });
  channel.publish(batch("a", "b"), "ann", NOW);
  theAppend(channel);
  channel.appended(1, NOW);
  channel.takeEffects();
  channel.publish(batch("c"), "bob", NOW + 1);
  assert.deepEqual(only(channel, "refuse"), [
    { do: "refuse", to: "bob", error: ["rate_limited", "the idempotency window is full", 2_000] },
  ]);
  assert.ok(channel.quiet);
  channel.publish(batch("c"), "bob", NOW + 120_000);
  assert.equal(inRecord(theAppend(channel).bytes), "3: c");
});

test("the window of made ids is bounded as well", () => {
  const channel = idleChannel({ windowIds: 1 });
  channel.publish(batch(item("a", { given: false })), "ann", NOW);
  theAppend(channel);
  channel.appended(1, NOW);
  channel.takeEffects();
  channel.publish(batch(item("b", { given: false })), "bob", NOW + 1);
  assert.deepEqual(told(only(channel, "refuse")), ["bob: rate_limited"]);
  channel.publish(batch(item("b", { given: false })), "bob", NOW + 20_000);
  theAppend(channel);
});

test("the tail is bounded by records and bytes", () => {
  const channel = idleChannel({ tailRecords: 2 });
  for (let seq = 1; seq <= 4; seq++) {
    channel.publish(batch(`m${seq}`), "ann", NOW);
    theAppend(channel);
    channel.appended(seq, NOW);
    channel.takeEffects();
  }
  assert.equal(channel.tail.oldest, 3);
});
