/** Everything gets its turn, whatever comes and goes meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Rounds } from "./rounds.js";

test("a share at each tick, and all of them within a round", () => {
  const all = new Map(Array.from({ length: 10 }, (_, i) => [i, i]));
  const rounds = new Rounds(all, 4);
  const shares = Array.from({ length: 4 }, () => [...rounds.share()]);
  assert.deepEqual(shares, [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]);
  assert.deepEqual([...rounds.share()], [0, 1, 2]);
});

test("nothing there is nothing to do", () => {
  const all = new Map<number, number>();
  const rounds = new Rounds(all, 4);
  assert.deepEqual([...rounds.share()], []);
  all.set(1, 1);
  const seen = [...rounds.share(), ...rounds.share()];
  assert.deepEqual(seen, [1]);
});

test("whoever stays gets a turn, however many come and go", () => {
  const change = fc.array(fc.record({ add: fc.nat(5), remove: fc.array(fc.nat(40), { maxLength: 5 }) }), {
    minLength: 40,
    maxLength: 40,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), change, (ticks, changes) => {
      const all = new Map<number, number>();
      const rounds = new Rounds(all, ticks);
      const unseen = new Map<number, number>();
      let next = 0;
      for (const { add, remove } of changes) {
        for (let i = 0; i < add; i++) {
          all.set(next, next);
          unseen.set(next++, 0);
        }
        for (const each of remove) {
          all.delete(each);
          unseen.delete(each);
        }
        const share = [...rounds.share()];
        assert.equal(new Set(share).size, share.length);
        for (const [each, ticksWaited] of unseen) unseen.set(each, ticksWaited + 1);
        for (const each of share) unseen.set(each, 0);
        for (const waited of unseen.values()) assert.ok(waited <= 3 * (ticks + 1), `${waited} ticks`);
      }
    }),
  );
});
