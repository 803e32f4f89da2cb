/** Which ids a channel knows, and for how long: what was promised of chosen ones, what there is room for of made ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Idempotency } from "./idempotency.js";
import { windowKey } from "./window.js";

const NOW = 5_000_000;
const UNBOUNDED = { ids: Infinity, bytes: Infinity };

/** One that has stored an id a second, the newest `n` seconds' ones of each kind: chosen `c…`, and made `m…`. */
function knowing({ chosen = 0, made = 0, maxIds = 1_000, ofOthers = 0 }): Idempotency {
  const known = new Idempotency(maxIds, { ids: ofOthers });
  known.fill([]);
  for (let ago = Math.max(chosen, made) - 1; ago >= 0; ago--) {
    const [ts, seq] = [NOW - ago * 1_000, 1_000 - 2 * ago];
    if (ago < chosen) known.add({ key: windowKey(`c${ago}`, "ann"), given: true, seq }, ts);
    if (ago < made) known.add({ key: windowKey(`m${ago}`, "ann"), given: false, seq: seq + 1 }, ts);
  }
  return known;
}

/** How many ids of each kind are known. */
function counts(ids: ReturnType<Idempotency["handOver"]>): { chosen: number; made: number } | null {
  if (ids === null) return null;
  const chosen = ids.filter(([id]) => id.startsWith("c")).length;
  return { chosen, made: ids.length - chosen };
}

test("made ids are known for a share of two minutes where a worker has many, and for 20 s at least", () => {
  for (const [ofOthers, made] of [
    [0, 100],
    [500_000 - 100, 60],
    [100_000_000, 20],
  ]) {
    const known = knowing({ chosen: 100, made: 100, ofOthers });
    assert.ok(known.makeRoom(1, NOW));
    assert.deepEqual(counts(known.handOver(UNBOUNDED, NOW)), { chosen: 100, made });
  }
});

test("made ids that fill their window are known for 20 s, and no more are taken where that makes no room", () => {
  const known = knowing({ chosen: 10, made: 100, maxIds: 100 });
  assert.ok(known.makeRoom(80, NOW));
  assert.deepEqual(counts(known.handOver(UNBOUNDED, NOW)), { chosen: 10, made: 20 });
  assert.equal(known.makeRoom(81, NOW), false);
});

test("chosen ids that fill their window are all known until their time is over", () => {
  const known = knowing({ chosen: 100, maxIds: 100 });
  assert.equal(known.makeRoom(1, NOW + 20_000), false);
  assert.ok(known.makeRoom(1, NOW + 21_000));
  assert.deepEqual(counts(known.handOver(UNBOUNDED, NOW)), { chosen: 99, made: 0 });
});

test("of ids that are too many to be handed over those are left out that gateways made and no longer repeat", () => {
  const handedOver = (most: Partial<typeof UNBOUNDED>) =>
    counts(knowing({ chosen: 100, made: 100 }).handOver({ ...UNBOUNDED, ...most }, NOW));
  assert.deepEqual(handedOver({ ids: 200 }), { chosen: 100, made: 100 });
  assert.deepEqual(handedOver({ ids: 199 }), { chosen: 100, made: 20 });
  assert.deepEqual(handedOver({ ids: 120 }), { chosen: 100, made: 20 });
  assert.equal(handedOver({ ids: 119 }), null, "a chosen id is never left out");
  assert.deepEqual(handedOver({ bytes: 5_000 }), { chosen: 100, made: 20 });
  assert.equal(handedOver({ bytes: 4_000 }), null);
});
