/** The drill of the noisy neighbour, short: that it runs, and what holds at any speed. Times are not judged here. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runNeighbour } from "./drill/noisy/neighbour.js";
import { NEIGHBOUR } from "./drill/options.js";

test("a quiet tenant loses nothing and is never refused beside a noisy one, which is held to its quota", async () => {
  const lines: string[] = [];
  const report = await runNeighbour({ ...NEIGHBOUR, seconds: 1 }, (line) => lines.push(line));
  assert.deepEqual(report.violations, [], lines.join("\n"));
  assert.ok(report.noisy.quota.refusedPerSecond > 0, "it asked for more than its quota");
  for (const phase of [report.quiet.alone, report.quiet.beside, report.quiet.quota])
    assert.equal(phase.count, 300, "three times a second of 100");
});
