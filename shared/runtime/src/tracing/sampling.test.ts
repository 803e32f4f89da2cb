import assert from "node:assert/strict";
import { test } from "node:test";
import { Sampler } from "./sampling.js";

const asks = { trace: "1".repeat(32), span: "2".repeat(16), sampled: true };

test("what brings no trace is traced with the ratio's probability", () => {
  const sampler = new Sampler({ ratio: 0.25, maxPerS: 0 }, 0);
  assert.deepEqual(
    [0, 0.249, 0.25, 0.999].map((random) => sampler.decide(null, random, 0)),
    ["yes", "yes", "no", "no"],
  );
  assert.equal(new Sampler({ ratio: 0, maxPerS: 10 }, 0).decide(null, 0, 0), "no");
  assert.equal(new Sampler({ ratio: 1, maxPerS: 0 }, 0).decide(null, 0.999_999, 0), "yes");
});

test("whoever decided against it is obeyed, whatever the ratio", () => {
  const sampler = new Sampler({ ratio: 1, maxPerS: 10 }, 0);
  assert.equal(sampler.decide({ ...asks, sampled: false }, 0, 0), "no");
});

test("whoever asks gets it so often a second, and the rest goes untraced", () => {
  const sampler = new Sampler({ ratio: 0, maxPerS: 3 }, 0);
  const at = (now: number) => Array.from({ length: 4 }, () => sampler.decide(asks, 0.9, now));
  assert.deepEqual(at(0), ["yes", "yes", "yes", "refused"]);
  assert.deepEqual(at(0), ["refused", "refused", "refused", "refused"]);
  assert.deepEqual(at(1_000), ["yes", "yes", "yes", "refused"]);
  assert.equal(new Sampler({ ratio: 1, maxPerS: 0 }, 0).decide(asks, 0, 0), "refused");
});
