import assert from "node:assert/strict";
import { test } from "node:test";
import { nextRestart } from "./backoff.js";

test("each death in a row doubles the pause, from 0.2 s to 10 s", () => {
  const delays: number[] = [];
  let deaths = 0;
  for (let i = 0; i < 9; i++) {
    const next = nextRestart(deaths, 1_000);
    deaths = next.deaths;
    delays.push(next.delayMs);
  }
  assert.deepEqual(delays, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
});

test("a child that lived for 30 s starts over", () => {
  assert.deepEqual(nextRestart(7, 29_999), { deaths: 8, delayMs: 10_000 });
  assert.deepEqual(nextRestart(7, 30_000), { deaths: 1, delayMs: 200 });
});
