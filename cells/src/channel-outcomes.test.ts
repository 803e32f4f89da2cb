/** A channel whose append does not simply succeed: what is true is read from the log before anything is said. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Channel } from "./channel.js";
import {
  batch,
  coldChannel,
  type Does,
  idleChannel,
  NOW,
  only,
  theAppend,
  told,
} from "./testing/channels.js";
import { recordOf } from "./testing/past.js";

let channel: Channel<string>;
/** The first append of a channel whose newest record has the log sequence 10; two more wait behind it. */
let append: Does<"append">;

beforeEach(() => {
  channel = idleChannel();
  channel.publish(batch("z"), "zoe", NOW);
  theAppend(channel);
  channel.appended(10, NOW);
  channel.takeEffects();
  channel.publish(batch("a"), "ann", NOW);
  append = theAppend(channel);
  channel.publish(batch("b"), "bob", NOW);
});

/** The same record, offered once more: its messages have left the mailbox long since. */
function again<T>(offered: T): T {
  return { ...offered, taken: [] };
}

function unsure(): void {
  channel.unsure();
  assert.deepEqual(only(channel, "load"), [{ do: "load" }]);
  assert.equal(channel.state, "verifying");
}

test("stored after all: the log's newest record is the very one that was offered", () => {
  unsure();
  channel.verified(14, append.bytes.slice(), NOW);
  const effects = channel.takeEffects();
  assert.deepEqual(told(effects), ["ann: 2"]);
  assert.deepEqual([channel.position.seq, channel.fence], [2, 14]);
  const next = effects.at(-1);
  assert.ok(next?.do === "append" && next.fence === 14, "and it goes on behind it");
});

test("not stored: offered again, the same bytes behind the same record", () => {
  unsure();
  channel.verified(10, recordOf(1, 1, NOW), NOW + 100);
  assert.deepEqual(theAppend(channel), again(append));
  channel.appended(11, NOW + 100);
  assert.deepEqual(told(channel.takeEffects()), ["ann: 2"]);
});

test("another writer stored something else: this actor is over, and everybody is told to ask again", () => {
  unsure();
  channel.verified(14, recordOf(2, 1, NOW), NOW);
  const effects = channel.takeEffects();
  assert.deepEqual(told(effects), ["ann: moved", "bob: moved"]);
  assert.deepEqual(effects.at(-1), { do: "close" });
  assert.equal(channel.state, "closed");
});

test("another writer stored more behind ours: it can't be told here whether ours is there", () => {
  unsure();
  channel.verified(15, recordOf(3, 1, NOW), NOW);
  assert.deepEqual(told(channel.takeEffects()), ["ann: moved", "bob: moved"]);
});

test("the same bytes at the old place are not ours", () => {
  // The record before, read once more, must never be taken for the one under way.
  unsure();
  channel.verified(10, append.bytes.slice(), NOW);
  assert.deepEqual(theAppend(channel), again(append));
});

test("a record of the same length with other bytes is another writer's", () => {
  unsure();
  const other = append.bytes.slice();
  other[other.length - 3] = other[other.length - 3]! ^ 1;
  channel.verified(14, other, NOW);
  assert.equal(channel.state, "closed");
});

test("a log that was emptied is no longer ours", () => {
  unsure();
  channel.verified(0, null, NOW);
  assert.equal(channel.state, "closed");
});

test("no answer again and again: after the third time nobody knows, and that is what is said", () => {
  for (let attempt = 1; attempt <= 2; attempt++) {
    unsure();
    channel.verified(10, recordOf(1, 1, NOW), NOW);
    assert.deepEqual(theAppend(channel), again(append));
  }
  unsure();
  channel.verified(10, recordOf(1, 1, NOW), NOW);
  const effects = channel.takeEffects();
  assert.deepEqual(told(effects), ["ann: timeout", "bob: unavailable"]);
  assert.deepEqual(effects.at(-1), { do: "close" });
});

test("the log can't even be read: a timeout for what may be stored, unavailable for what certainly is not", () => {
  unsure();
  channel.loadFailed();
  const effects = channel.takeEffects();
  assert.deepEqual(told(effects), ["ann: timeout", "bob: unavailable"]);
  assert.deepEqual(effects.at(-1), { do: "close" });
});

test("refused for good: not stored, so unavailable, with the reason and a time to try again", () => {
  channel.appendRefused("maximum bytes exceeded");
  const effects = channel.takeEffects();
  assert.deepEqual(effects, [
    { do: "refuse", to: "ann", error: ["unavailable", "maximum bytes exceeded", 1_000] },
    { do: "refuse", to: "bob", error: ["unavailable", "maximum bytes exceeded", 1_000] },
    { do: "close" },
  ]);
});

test("refused where an offer before got no answer: that one may still arrive, so nobody knows", () => {
  unsure();
  channel.verified(10, recordOf(1, 1, NOW), NOW);
  theAppend(channel);
  channel.appendRefused("maximum bytes exceeded");
  assert.deepEqual(told(channel.takeEffects()), ["ann: timeout", "bob: unavailable"]);
});

test("whoever is told to ask again hears whether what they asked may be stored already", () => {
  const unsures = () =>
    channel.takeEffects().flatMap((effect) => (effect.do === "refuse" ? [effect.error[3] === true] : []));
  channel.close();
  assert.deepEqual(unsures(), [true, false], "ann's is on its way, bob's is not");
});

test("a channel that can't be loaded is unavailable for all that waits", () => {
  const cold = coldChannel();
  cold.publish(batch("a"), "ann", NOW);
  cold.loadFailed();
  assert.deepEqual(told(cold.takeEffects()), ["ann: unavailable"]);
  assert.equal(cold.state, "closed");
});

test("closed while an append is under way: everybody is told to ask again, and its outcome is ignored", () => {
  channel.close();
  const effects = channel.takeEffects();
  assert.deepEqual(told(effects), ["ann: moved", "bob: moved"]);
  for (const late of [
    () => channel.appended(11, NOW),
    () => channel.unsure(),
    () => channel.appendRefused("full"),
    () => channel.verified(11, append.bytes, NOW),
    () => channel.loadFailed(),
    () => channel.close(),
  ]) {
    late();
    assert.deepEqual(channel.takeEffects(), []);
    assert.equal(channel.state, "closed");
  }
  assert.equal(channel.position.seq, 1);
});

test("whoever publishes to a closed channel is told why it is closed", () => {
  channel.close();
  channel.takeEffects();
  channel.publish(batch("c"), "cat", NOW);
  assert.deepEqual(told(channel.takeEffects()), ["cat: moved"]);
  const refused = coldChannel();
  refused.loadFailed();
  refused.takeEffects();
  refused.publish(batch("c"), "cat", NOW);
  assert.deepEqual(told(refused.takeEffects()), ["cat: unavailable"]);
});

test("outcomes that nobody waits for change nothing", () => {
  const idle = idleChannel();
  idle.appended(5, NOW);
  idle.unsure();
  idle.appendRefused("full");
  idle.verified(5, recordOf(1, 1, NOW), NOW);
  idle.loadFailed();
  assert.deepEqual(idle.takeEffects(), []);
  assert.deepEqual([idle.state, idle.fence, idle.position.seq], ["idle", 0, 0]);
});
