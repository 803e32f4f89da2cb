/** What is under way against a Map. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { UnderWay } from "./under-way.js";

const anySteps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("add" as const), count: fc.integer({ min: 1, max: 2_000 }) }),
    fc.record({ do: fc.constant("delete" as const), every: fc.integer({ min: 1, max: 3 }) }),
  ),
  { maxLength: 12 },
);

test("as a Map would have it, with numbers that rise and never come again", () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const underWay = new UnderWay<{ number: number }>();
      const expected = new Map<number, { number: number }>();
      let last = 0;
      for (const step of steps) {
        if (step.do === "delete") {
          for (const number of [...expected.keys()].filter((_, i) => i % step.every === 0)) {
            underWay.delete(number);
            underWay.delete(number);
            expected.delete(number);
            assert.equal(underWay.get(number), undefined);
          }
        } else
          for (let i = 0; i < step.count; i++) {
            const thing = { number: underWay.next };
            assert.ok(thing.number > last);
            last = thing.number;
            underWay.add(thing);
            expected.set(thing.number, thing);
          }
        assert.equal(underWay.size, expected.size);
        for (const [number, thing] of expected) assert.equal(underWay.get(number), thing);
        assert.deepEqual(new Set(underWay.values()), new Set(expected.values()));
      }
    }),
    { numRuns: 30 },
  );
});

test("one that takes long is not mixed up with those that come after it", () => {
  const underWay = new UnderWay<string>();
  const first = underWay.next;
  underWay.add("first");
  for (let i = 0; i < 5_000; i++) {
    const number = underWay.next;
    underWay.add("other");
    underWay.delete(number);
    assert.equal(underWay.get(number), undefined);
  }
  assert.deepEqual([underWay.get(first), underWay.size], ["first", 1]);
});
