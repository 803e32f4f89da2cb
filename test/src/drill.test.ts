/**
 * Every drill once, small, on one cluster and under one load: the same code as `npm run drill`, with its verdict on
 * every message. Pauses are reported there and not judged here.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { runDrill, SMOKE_ORDER } from "./drill/drill.js";
import { SMOKE } from "./drill/options.js";
import type { DrillReport } from "./drill/report.js";

const lines: string[] = [];
let report: DrillReport | undefined;

before(async () => {
  report = await runDrill("smoke", SMOKE, (line) => lines.push(line));
});

after(() => {
  if (report?.ok !== true) console.log(lines.join("\n"));
});

test("everything that was acknowledged arrived, once and in order, through every change", () => {
  const { lost, duplicated, reordered, misnumbered, failed, disconnected, unrecovered } = report!;
  const zero = {
    lost: 0,
    duplicated: 0,
    reordered: 0,
    misnumbered: 0,
    failed: 0,
    disconnected: 0,
    unrecovered: 0,
  };
  assert.deepEqual({ lost, duplicated, reordered, misnumbered, failed, disconnected, unrecovered }, zero);
  assert.equal(report!.acknowledged, report!.published);
});

test("the whole past of active and quiet channels can be read afterwards", () => {
  const { channels, messages } = report!.history;
  assert.equal(channels, SMOKE.channels + SMOKE.quietChannels);
  assert.equal(messages, report!.acknowledged);
});

for (const [i, name] of SMOKE_ORDER.entries())
  test(`${i + 1}. ${name}: nothing is left behind, and nothing else is wrong`, () => {
    const change = report!.changes![i]!;
    assert.equal(change.drill, name);
    assert.deepEqual(change.violations, []);
  });

test("nothing else is wrong", () => {
  assert.deepEqual(report!.violations, []);
});
