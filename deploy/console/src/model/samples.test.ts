import assert from "node:assert/strict";
import { test } from "node:test";
import { Samples } from "./samples.js";

test("a full buffer forgets the oldest sample, and no more is kept than it holds", () => {
  const samples = new Samples(["a"], 3);
  for (let i = 1; i <= 5; i++) samples.add(i * 1_000, { a: i });
  assert.equal(samples.length, 3);
  assert.deepEqual(samples.columns(["a"]), [
    [3_000, 4_000, 5_000],
    [3, 4, 5],
  ]);
});

test("columns come in the order asked for; what was not measured is null, and 0 is 0", () => {
  const samples = new Samples(["a", "b"]);
  samples.add(1_000, { a: 0, b: null });
  samples.add(2_000, { a: null, b: 7 });
  assert.deepEqual(samples.columns(["b", "a"]), [
    [1_000, 2_000],
    [null, 7],
    [0, null],
  ]);
});

test("a time that was not sampled is a gap", () => {
  const samples = new Samples(["a"]);
  samples.add(1_000, { a: 1 });
  samples.add(60_000, { a: 2 });
  assert.deepEqual(samples.columns(["a"]), [
    [1_000, 1_001, 60_000],
    [1, null, 2],
  ]);
});

test("what is not newer than the last one is passed over", () => {
  const samples = new Samples(["a"]);
  samples.add(2_000, { a: 1 });
  samples.add(2_000, { a: 2 });
  samples.add(1_000, { a: 3 });
  assert.deepEqual(samples.columns(["a"]), [[2_000], [1]]);
});
