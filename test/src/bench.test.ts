/** The benchmarks run, small: what they measure here is not judged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BENCHES } from "./bench/benches/index.js";
import { readOptions } from "./bench/options.js";
import { plotOf } from "./bench/plot.js";
import { amount, reached, tableOf } from "./bench/report.js";
import { runBenches } from "./bench/run.js";
import { stolenBetween } from "./bench/steal.js";

/** Cells that were not asked; and what a few connections take, which is less than what a heap gives back meanwhile. */
const MAY_BE_NOTHING = /^(questions|KiB)/;

test("each benchmark measures all of its sides, with the CPU time of servers and of the load", async () => {
  const options = readOptions(["smoke"], Object.keys(BENCHES))!;
  const { reports } = await runBenches(options, () => undefined, new AbortController().signal);
  assert.deepEqual(
    reports.map(({ bench }) => bench),
    Object.keys(BENCHES),
  );
  for (const report of reports) {
    assert.ok(report.rows.length >= 2, report.bench);
    for (const { side, values } of report.rows)
      for (const [name, value] of Object.entries(values))
        assert.ok(value > 0 || MAY_BE_NOTHING.test(name), `${report.bench} ${side} ${name}: ${value}`);
    for (const { name, value } of report.ratios) assert.ok(Number.isFinite(value), `${report.bench} ${name}`);
    assert.match(tableOf(report), new RegExp(`^${report.bench}: `));
    assert.ok(report.stolen === null || (report.stolen >= 0 && report.stolen <= 1), `${report.stolen}`);
    assert.match(plotOf(report), /^<svg [\s\S]*<rect class="[\s\S]*<\/svg>\n$/);
  }
  // Of them all: a short one may take less than the 10 ms in which the system counts.
  const load = reports.flatMap(({ rows }) => rows.map(({ cpuUs }) => cpuUs.generator ?? 0));
  assert.ok(Math.max(...load) > 0, "the load is not free");
});

test("targets are judged in their direction, and figures are shown with three digits", () => {
  const ratio = (value: number, is: ">=" | "<=") => ({ name: "r", value, target: { is, value: 2 } });
  assert.deepEqual([reached(ratio(3, ">=")), reached(ratio(1, ">="))], [true, false]);
  assert.deepEqual([reached(ratio(3, "<=")), reached(ratio(1, "<="))], [false, true]);
  assert.deepEqual([12_345.6, 12.345, 1.2345, 0.12345].map(amount), ["12,346", "12.3", "1.23", "0.123"]);
});

test("what the hypervisor took is its share of all processors' time, and said where it counts", () => {
  const stolen = stolenBetween("cpu  100 0 50 800 0 0 10 40 0 0", "cpu  160 0 70 900 0 0 10 60 5 5");
  assert.equal(stolen, 0.1);
  const report = { bench: "b", doc: "d", operation: "o", rows: [], ratios: [] };
  assert.match(tableOf({ ...report, stolen }), /took 10\.0 % of the processors/);
  for (const little of [0, 0.005, null]) assert.equal(tableOf({ ...report, stolen: little }), "b: d");
});

test("the command line: what there is, what is meant, and what is wrong", () => {
  assert.deepEqual(readOptions([], ["a", "b"])?.benches, ["a", "b"]);
  const smoke = readOptions(["smoke", "b", "--seconds", "2"], ["a", "b"])!;
  assert.deepEqual([smoke.benches, smoke.rounds, smoke.seconds], [["b"], 1, 2]);
  assert.equal(readOptions(["--help"], ["a"]), undefined);
  assert.throws(() => readOptions(["c"], ["a"]), /no benchmark c/);
  assert.throws(() => readOptions(["a", "--rounds", "0"], ["a"]), /--rounds/);
});
