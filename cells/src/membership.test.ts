/** Who is alive in a cell, by heartbeats. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ASK_AFTER_MS, BEAT_INTERVAL_MS, MEMBER_TTL_MS, Membership } from "./membership.js";

test("alone, a worker is the only one alive", () => {
  assert.deepEqual(new Membership("w1").live(0), ["w1"]);
});

test("who was heard is alive for the time to live, and not longer", () => {
  const membership = new Membership("w2");
  membership.heard("w3", 1_000);
  membership.heard("w1", 1_500);
  assert.deepEqual(membership.live(1_000 + MEMBER_TTL_MS), ["w1", "w2", "w3"]);
  assert.deepEqual(membership.live(1_001 + MEMBER_TTL_MS), ["w1", "w2"]);
  membership.heard("w3", 4_000);
  assert.deepEqual(membership.live(4_000), ["w2", "w3"]);
});

test("who says good-bye is gone at once; so is everybody after a pause of one's own", () => {
  const membership = new Membership("w1");
  for (const id of ["w2", "w3"]) membership.heard(id, 1_000);
  membership.left("w2");
  assert.deepEqual(membership.live(1_000), ["w1", "w3"]);
  membership.forgetAll();
  assert.deepEqual(membership.live(1_000), ["w1"]);
});

test("who should have been heard is asked for; who is not there is gone, and known when it comes back", () => {
  const membership = new Membership("w1");
  membership.heard("w2", 1_000);
  assert.deepEqual(membership.overdue(1_000 + ASK_AFTER_MS), []);
  assert.deepEqual(membership.overdue(1_001 + ASK_AFTER_MS), ["w2"]);
  membership.giveUp("w2");
  assert.deepEqual(membership.live(1_700), ["w1"]);
  assert.equal(membership.heard("w2", 1_800), true, "it may have served what is this one's");
});

test("one's own heartbeat changes nothing, and its absence neither", () => {
  const membership = new Membership("w1");
  membership.heard("w1", 0);
  membership.left("w1");
  assert.deepEqual(membership.live(1_000_000), ["w1"]);
});

test("several heartbeats fit into the time to live, so that one may be lost", () => {
  assert.ok(MEMBER_TTL_MS >= 4 * BEAT_INTERVAL_MS);
});

test("against a plain list: alive is who was heard within the time to live and has not left since", () => {
  const anyStep = fc.record({
    afterMs: fc.nat(1_500),
    id: fc.constantFrom("w1", "w2", "w3", "w4"),
    leaves: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(anyStep), (steps) => {
      const membership = new Membership("w1");
      const heardAt = new Map<string, number>();
      let now = 0;
      for (const { afterMs, id, leaves } of steps) {
        now += afterMs;
        if (leaves) membership.left(id);
        else membership.heard(id, now);
        if (leaves) heardAt.delete(id);
        else heardAt.set(id, now);
        const alive = ["w2", "w3", "w4"].filter(
          (other) => now - (heardAt.get(other) ?? -9_999) <= MEMBER_TTL_MS,
        );
        assert.deepEqual(membership.live(now), ["w1", ...alive]);
      }
    }),
  );
});

test("who was given up and is heard again is told apart from who is new, and from who said that it leaves", () => {
  const membership = new Membership("a");
  assert.equal(membership.heard("b", 0), false);
  assert.equal(membership.heard("b", 1_000), false);
  membership.live(1_000 + MEMBER_TTL_MS + 1);
  assert.equal(membership.heard("b", 4_000), true);
  assert.equal(membership.heard("b", 4_100), false);
  membership.left("b");
  membership.live(9_000);
  assert.equal(membership.heard("b", 9_100), false);
});
