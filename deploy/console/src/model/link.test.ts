import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRST_LINK, failed, heard, retryDelayMs } from "./link.js";

test("it is asked again later and later, never at the same moment by all, and at least every 15 s", () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => retryDelayMs(n, 1)),
    [500, 1_000, 2_000, 4_000],
  );
  assert.deepEqual(
    [1, 2].map((n) => retryDelayMs(n, 0)),
    [250, 500],
  );
  assert.equal(retryDelayMs(50, 1), 15_000);
});

test("while it is away, what was heard last is remembered; an answer ends that", () => {
  const live = heard(10_000);
  const once = failed(live, 12_000, "no connection", 1);
  const twice = failed(once, 12_500, "no connection", 1);
  assert.deepEqual([twice.state, twice.heardAt, twice.failures], ["away", 10_000, 2]);
  assert.equal(twice.retryAt, 13_500);
  assert.deepEqual(heard(14_000), { ...live, heardAt: 14_000 });
});

test("what the API asks to wait is waited", () => {
  assert.equal(failed(FIRST_LINK, 0, "too many wrong tokens", 1, 9_000).retryAt, 9_000);
});
