import assert from "node:assert/strict";
import { test } from "node:test";
import { dueAfter, shuffled } from "./drain.js";

test("connections become due at the given pace", () => {
  assert.equal(dueAfter(0, 200), 0);
  assert.equal(dueAfter(50, 200), 10);
  assert.equal(dueAfter(1_000, 200), 200);
  assert.equal(dueAfter(49, 10), 0);
});

test("the order is random, and holds everybody once", () => {
  const everybody = [1, 2, 3, 4, 5];
  const draws = [0.9, 0.1, 0.5, 0.3];
  const order = shuffled(everybody, () => draws.pop() ?? 0);
  assert.deepEqual([...order].sort(), everybody);
  assert.notDeepEqual(order, everybody);
  assert.deepEqual(everybody, [1, 2, 3, 4, 5]);
});
