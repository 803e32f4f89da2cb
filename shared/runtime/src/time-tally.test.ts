import assert from "node:assert/strict";
import { test } from "node:test";
import { register } from "prom-client";
import { TimeTally } from "./time-tally.js";

test("it is shown as the library shows a histogram", async () => {
  const tally = new TimeTally({ name: "test_seconds", help: "h", buckets: [0.1, 1] });
  for (const seconds of [0.05, 0.1, 0.5, 3]) tally.add(seconds);
  assert.equal(
    await register.getSingleMetricAsString("test_seconds"),
    `# HELP test_seconds h
# TYPE test_seconds histogram
test_seconds_bucket{le="0.1"} 2
test_seconds_bucket{le="1"} 3
test_seconds_bucket{le="+Inf"} 4
test_seconds_sum 3.65
test_seconds_count 4`,
  );
});
