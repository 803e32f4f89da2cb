/** Waits between attempts: they grow up to a bound, and are not the same for everybody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs, jitteredMs } from "./retry.js";

test("each wait is twice the one before, up to the bound, and half of it is random", () => {
  const longest = [0, 1, 2, 3, 1_000].map((attempt) => backoffMs(attempt, 10, 50, () => 1));
  assert.deepEqual(longest, [10, 20, 40, 50, 50]);
  assert.equal(
    backoffMs(1, 10, 50, () => 0),
    10,
  );
});

test("a steady wait varies by a quarter", () => {
  assert.deepEqual([jitteredMs(100, () => 0), jitteredMs(100, () => 1)], [75, 125]);
});
