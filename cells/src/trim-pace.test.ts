import assert from "node:assert/strict";
import { test } from "node:test";
import { TrimPace } from "./trim-pace.js";

/** When it is due, of messages that come at a pace; times from the beginning, in seconds. */
function due(perSecond: number, kept: number, seconds: number): number[] {
  const pace = new TrimPace(0);
  const all = Array.from({ length: seconds }, (_, i) => i + 1);
  return all.filter((second) => pace.isDue(perSecond, kept, second * 1_000));
}

test("after a tenth of what is kept, but not again within ten seconds, and else once a minute", () => {
  assert.deepEqual(due(500, 100_000, 70), [20, 40, 60]);
  assert.deepEqual(due(50_000, 100_000, 40), [11, 22, 33]);
  assert.deepEqual(due(1, 100_000, 130), [61, 122]);
  assert.deepEqual(due(50, 10, 65), [20, 40, 60]);
});
