import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { type Publish, PublishQueue } from "./publish-queue.js";

const LIMITS = {
  maxQueuedPublishes: 100,
  maxQueuedBytes: 1_000,
  maxInFlightPerChannel: 3,
  publishDeadlineMs: 1_000,
};
const busy = new PlexusError("rate_limited", "slow down", { retry: 100 });
const away = new PlexusError("unavailable", "away");

function queueOf(limits: Partial<typeof LIMITS>, ...mids: string[]): PublishQueue {
  const queue = new PublishQueue({ ...LIMITS, ...limits });
  for (const mid of mids) queue.add("a", mid, null, 1, 0);
  return queue;
}

function mids(publishes: readonly Publish[]): string {
  return publishes.map((publish) => publish.mid).join(" ");
}

test("sends in order, as many as may be under way", () => {
  const queue = queueOf({}, "1", "2", "3", "4");
  const taken = queue.take(1, 10, 0);
  assert.equal(mids(taken), "1 2 3");
  assert.equal(mids(queue.take(1, 10, 0)), "");
  queue.settle(taken[0]!);
  assert.equal(mids(queue.take(1, 10, 0)), "4");
  assert.equal(queue.inFlight(1), 3);
});

test("the room on the connection is shared between channels in turn", () => {
  const queue = queueOf({ maxInFlightPerChannel: 1 }, "a1", "a2");
  queue.add("b", "b1", null, 1, 0);
  queue.add("c", "c1", null, 1, 0);
  const [a1] = queue.take(1, 1, 0);
  assert.equal(a1?.mid, "a1");
  queue.settle(a1!);
  assert.equal(mids(queue.take(1, 2, 0)), "b1 c1");
});

test("a refused head holds the channel back until it is settled; others go on", () => {
  const queue = queueOf({ maxInFlightPerChannel: 1 }, "1", "2");
  queue.add("b", "b1", null, 1, 0);
  const [head] = queue.take(1, 10, 0);
  queue.refuse(head!, busy, 100, 0);
  assert.equal(mids(queue.take(1, 10, 50)), "");
  assert.equal(queue.nextAt(50), 100);
  assert.equal(mids(queue.take(1, 10, 100)), "1");
  queue.settle(head!);
  assert.equal(mids(queue.take(1, 10, 100)), "2");
});

test("a retry whose time has come is not waited for: what holds it is a connection, room or an answer", () => {
  const queue = queueOf({}, "1", "2");
  for (const publish of queue.take(1, 10, 0)) queue.refuse(publish, busy, 100, 0);
  queue.lost(1);
  assert.equal(queue.nextAt(99), 100, "still to come");
  assert.equal(queue.nextAt(100), 1_000, "no connection");
  assert.equal(mids(queue.take(2, 0, 200)), "");
  assert.equal(queue.nextAt(200), 1_000, "no room");
  assert.equal(mids(queue.take(2, 1, 200)), "1");
  assert.equal(queue.nextAt(200), 1_000, "behind one that was refused and is under way");
});

test("after a refusal among several, they go one by one in the old order until all are settled", () => {
  const queue = queueOf({}, "1", "2", "3", "4");
  const [one, two, three] = queue.take(1, 10, 0) as [Publish, Publish, Publish];
  queue.refuse(one, busy, 10, 0);
  queue.refuse(two, busy, 10, 0);
  queue.settle(three);
  assert.equal(mids(queue.take(1, 10, 5)), "");
  assert.equal(mids(queue.take(1, 10, 10)), "1");
  assert.equal(mids(queue.take(1, 10, 10)), "");
  queue.settle(one);
  assert.equal(mids(queue.take(1, 10, 10)), "2");
  queue.settle(two);
  assert.equal(mids(queue.take(1, 10, 10)), "4");
});

test("what a lost connection had not answered goes again, before newer ones", () => {
  const queue = queueOf({}, "1", "2", "3", "4");
  const [one] = queue.take(1, 10, 0);
  queue.settle(one!);
  queue.lost(1);
  assert.equal(mids(queue.take(2, 10, 0)), "2 3 4");
});

test("while one connection owes answers for a channel, nothing of it goes over another", () => {
  const queue = queueOf({}, "1");
  const [one] = queue.take(1, 10, 0);
  queue.add("a", "2", null, 1, 0);
  queue.add("b", "b1", null, 1, 0);
  assert.equal(mids(queue.take(2, 10, 0)), "b1");
  queue.settle(one!);
  assert.equal(mids(queue.take(2, 10, 0)), "2");
});

test("bounds: count and bytes, given back when settled", () => {
  const queue = queueOf({ maxQueuedPublishes: 2 }, "1", "2");
  assert.throws(() => queue.add("a", "3", null, 1, 0), { code: "limit_reached" });
  queue.settle(queue.find("a", "1")!);
  queue.add("a", "3", null, 1, 0);
  assert.equal(queue.size, 2);
  const bytes = queueOf({});
  assert.throws(() => bytes.add("a", "1", null, 1_001, 0), { code: "limit_reached" });
});

test("the deadline says what is known: never sent, refused for certain, or perhaps stored", () => {
  const codeAfter = (prepare: (queue: PublishQueue) => void) => {
    const queue = queueOf({}, "1");
    prepare(queue);
    const [expired, ...others] = queue.expire(1_000);
    assert.equal(others.length + queue.size, 0);
    return expired?.error.code;
  };
  const refuse = (queue: PublishQueue, error: PlexusError) =>
    queue.refuse(queue.take(1, 1, 0)[0]!, error, 0, 0);
  assert.equal(
    codeAfter(() => undefined),
    "unavailable",
  );
  assert.equal(
    codeAfter((queue) => queue.take(1, 1, 0)),
    "timeout",
  );
  assert.equal(
    codeAfter((queue) => refuse(queue, busy)),
    "rate_limited",
  );
  assert.equal(
    codeAfter((queue) => refuse(queue, away)),
    "timeout",
  );
  assert.equal(
    codeAfter((queue) => {
      queue.take(1, 1, 0);
      queue.lost(1);
      refuse(queue, busy);
    }),
    "timeout",
  );
});

test("an expired head makes way for the next", () => {
  const queue = queueOf({ maxInFlightPerChannel: 1 }, "1");
  queue.refuse(queue.take(1, 1, 0)[0]!, away, 5_000, 0);
  queue.add("a", "2", null, 1, 500);
  assert.equal(queue.nextAt(500), 1_000);
  assert.equal(queue.expire(1_000).length, 1);
  assert.equal(mids(queue.take(1, 1, 1_000)), "2");
});
