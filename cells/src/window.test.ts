/** The idempotency window: what is remembered, for how long, and that it is bounded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IdempotencyWindow, windowKey } from "./window.js";

const SPAN_MS = 1_000;

test("the same id of two users is two ids, wherever one ends and the other begins", () => {
  const anyName = fc.string({ unit: fc.constantFrom("a", "b", "1", ":", "é"), maxLength: 4 });
  fc.assert(
    fc.property(anyName, anyName, anyName, anyName, (idA, userA, idB, userB) => {
      const same = idA === idB && userA === userB;
      assert.equal(windowKey(idA, userA) === windowKey(idB, userB), same);
    }),
    { numRuns: 1_000 },
  );
});

test("ids and users are got back from the window as they were, oldest first", () => {
  const anyId = fc.tuple(fc.string(), fc.string());
  fc.assert(
    fc.property(fc.uniqueArray(anyId, { selector: ([id, user]) => windowKey(id, user) }), (ids) => {
      const window = new IdempotencyWindow(1_000);
      for (const [i, [id, user]] of ids.entries()) window.add(windowKey(id, user), { seq: i, ts: i });
      assert.deepEqual(
        [...window.entries()],
        ids.map(([id, user], i) => [id, user, { seq: i, ts: i }]),
      );
    }),
  );
});

test("what is stored is remembered for the span, and not a moment longer once the old is to be forgotten", () => {
  const window = new IdempotencyWindow(10);
  window.add("a", { seq: 1, ts: 5_000 });
  window.forgetOld(5_999, SPAN_MS);
  assert.deepEqual(window.get("a"), { seq: 1, ts: 5_000 });
  window.forgetOld(6_000, SPAN_MS);
  assert.equal(window.get("a"), undefined);
});

test("a full window has no room until ids become old, one by one", () => {
  const window = new IdempotencyWindow(3);
  for (let seq = 1; seq <= 3; seq++) window.add(`m${seq}`, { seq, ts: 5_000 + seq });
  window.forgetOld(6_000, SPAN_MS);
  assert.equal(window.hasRoom(1), false);
  window.forgetOld(6_001, SPAN_MS);
  assert.deepEqual([window.hasRoom(1), window.hasRoom(2)], [true, false]);
  window.forgetOld(6_003, SPAN_MS);
  assert.ok(window.hasRoom(3));
});

test("a span that becomes shorter forgets more, and one that becomes longer brings nothing back", () => {
  const window = new IdempotencyWindow(10);
  for (let seq = 1; seq <= 3; seq++) window.add(`m${seq}`, { seq, ts: 5_000 + seq });
  window.forgetOld(5_010, 8);
  assert.deepEqual([window.get("m2"), window.get("m3")?.seq], [undefined, 3]);
  window.forgetOld(5_010, SPAN_MS);
  assert.deepEqual([window.get("m2"), window.size], [undefined, 1]);
});

test("a window that was emptied and filled, again and again, remembers the same as a new one", () => {
  const window = new IdempotencyWindow(10_000);
  let seq = 0;
  for (let round = 0; round < 5; round++) {
    const now = 10_000 + round * 10 * SPAN_MS;
    window.forgetOld(now, SPAN_MS);
    assert.equal(window.size, 0);
    const first = seq + 1;
    for (let i = 0; i < 3_000; i++) window.add(`m${++seq}`, { seq, ts: now + Math.floor(i / 2) });
    // Half of the first of these times is over.
    window.forgetOld(now + SPAN_MS + 99, SPAN_MS);
    assert.equal(window.size, 2_800);
    assert.equal(window.get(`m${first + 199}`), undefined);
    assert.deepEqual(window.get(`m${first + 200}`), { seq: first + 200, ts: now + 100 });
    assert.deepEqual(window.get(`m${seq}`), { seq, ts: now + 1_499 });
  }
});

test("against a plain list: remembered is exactly what is younger than the span", () => {
  const anyStep = fc.record({ afterMs: fc.nat(400), ids: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), fc.integer({ min: 1, max: 12 }), (steps, maxIds) => {
      const window = new IdempotencyWindow(maxIds);
      let stored: Array<{ key: string; seq: number; ts: number }> = [];
      let [now, seq] = [0, 0];
      for (const { afterMs, ids } of steps) {
        now += afterMs;
        stored = stored.filter(({ ts }) => ts + SPAN_MS > now);
        window.forgetOld(now, SPAN_MS);
        assert.equal(window.hasRoom(ids), stored.length + ids <= maxIds);
        assert.equal(window.size, stored.length);
        for (const { key, ...where } of stored) assert.deepEqual(window.get(key), where);
        if (stored.length + ids > maxIds) continue;
        for (let i = 0; i < ids; i++) {
          seq++;
          stored.push({ key: `m${seq}`, seq, ts: now });
          window.add(`m${seq}`, { seq, ts: now });
        }
      }
    }),
  );
});
