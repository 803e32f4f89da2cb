import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { TokenBucket } from "@plexus/runtime";
import fc from "fast-check";
import { RefusedPublishes } from "./refused-publishes.js";

const early = (retry: number) => new PlexusError("rate_limited", "too early", { retry });

test("what comes behind a refused one waits until that is repeated; other channels do not", () => {
  const publishes = new RefusedPublishes();
  publishes.refused({ channel: "a", mid: "m1", number: 1 }, early(100), 0);
  assert.equal(publishes.before("a", "m2", 10), 90);
  assert.equal(publishes.before("b", "m2", 10), 0);
  assert.equal(publishes.before("a", "m2", 150), 1, "it may be on its way");
  assert.equal(publishes.before("a", "m1", 160), 0);
  assert.equal(publishes.before("a", "m2", 161), 0);
});

test("one that does not come again is given up, at once where it could not be known again", () => {
  const publishes = new RefusedPublishes();
  publishes.refused({ channel: "a", mid: "m1", number: 1 }, early(100), 0);
  publishes.refused({ channel: "b", mid: undefined, number: 2 }, early(100), 0);
  assert.ok(publishes.before("b", "m2", 99) > 0);
  assert.equal(publishes.before("b", "m2", 100), 0);
  assert.ok(publishes.before("a", "m2", 1_000) > 0);
  assert.equal(publishes.before("a", "m2", 60_000), 0);
  assert.equal(publishes.size, 0);
});

test("of several that fail the first one counts, whatever is heard of first", () => {
  const publishes = new RefusedPublishes();
  publishes.refused({ channel: "a", mid: "m3", number: 3 }, early(100), 0);
  publishes.refused({ channel: "a", mid: "m1", number: 1 }, early(100), 1);
  publishes.refused({ channel: "a", mid: "m2", number: 2 }, early(100), 1);
  for (const mid of ["m2", "m3"]) assert.ok(publishes.before("a", mid, 50) > 0);
  assert.equal(publishes.before("a", "m1", 50), 0);
});

test("one whose time is over stands in nobody's way, nor for one that fails later", () => {
  const publishes = new RefusedPublishes();
  publishes.refused({ channel: "a", mid: "m1", number: 1 }, early(100), 0);
  publishes.refused({ channel: "a", mid: "m2", number: 2 }, early(100), 60_000);
  assert.ok(publishes.before("a", "m3", 60_010) > 0);
  assert.equal(publishes.before("a", "m2", 60_100), 0);
});

test("what may be stored is waited for only where it can be repeated, what never succeeds not at all", () => {
  const publishes = new RefusedPublishes();
  publishes.refused(
    { channel: "a", mid: undefined, number: 1 },
    new PlexusError("timeout", "", { retry: 100 }),
    0,
  );
  publishes.refused({ channel: "a", mid: "m2", number: 2 }, new PlexusError("too_large", ""), 0);
  assert.equal(publishes.size, 0);
  publishes.refused(
    { channel: "a", mid: "m3", number: 3 },
    new PlexusError("timeout", "", { retry: 100 }),
    0,
  );
  assert.ok(publishes.before("a", "m4", 0) > 0);
  assert.equal(publishes.behind("a", 100).code, "unavailable", "which certainly is not stored");
});

test("there is a bound on the channels", () => {
  const publishes = new RefusedPublishes();
  for (let i = 0; i < 5_000; i++) publishes.refused({ channel: `c${i}`, mid: "m", number: i }, early(100), 0);
  assert.ok(publishes.size <= 1_000);
  assert.ok(publishes.before("c4999", "x", 0) > 0);
});

test("a client that repeats in order what was refused has its messages stored in order, whatever the way takes", () => {
  const rate = { perSecond: 20, burst: 3 };
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 60 }),
      fc.nat({ max: 800 }),
      (gaps, roundTripMs) => {
        const publishes = new RefusedPublishes();
        const bucket = new TokenBucket(rate, 0);
        const stored: number[] = [];
        /** What is on its way to the gateway, by arrival. */
        const way: Array<{ at: number; n: number }> = [];
        let sentAt = 0;
        for (const [n, gap] of gaps.entries()) {
          sentAt += gap;
          way.push({ at: sentAt, n });
        }
        const failed: number[] = [];
        for (let turns = 0; way.length > 0 && turns < 5_000; turns++) {
          way.sort((a, b) => a.at - b.at || a.n - b.n);
          const { at, n } = way.shift()!;
          const wait = publishes.before("a", `m${n}`, at);
          const retry = wait > 0 ? wait : bucket.take(rate, at);
          if (wait === 0 && retry > 0)
            publishes.refused({ channel: "a", mid: `m${n}`, number: turns }, early(retry), at);
          if (retry === 0) stored.push(n);
          else failed.push(n);
          // As the SDK does: once refused, one by one, the first one first.
          if (way.length === 0 && failed.length > 0) {
            failed.sort((a, b) => a - b);
            way.push({ at: at + retry + roundTripMs, n: failed.shift()! });
          }
        }
        assert.deepEqual(
          stored,
          gaps.map((_, n) => n),
        );
      },
    ),
  );
});
