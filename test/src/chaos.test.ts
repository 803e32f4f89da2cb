/**
 * Chaos, short: the code of `npm run chaos` with its verdict. And bugs put in on purpose, which it has to find; they
 * exist in these tests only.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChaosReport, runChaos } from "./chaos/chaos.js";
import { FAULTS } from "./chaos/faults/index.js";
import { readChaosLine } from "./chaos/options.js";

const lines: string[] = [];

function chaos(...args: string[]): Promise<ChaosReport> {
  lines.length = 0;
  return runChaos(readChaosLine(args), (line) => lines.push(line));
}

test("no promise is broken", async () => {
  const report = await chaos("--seed", "12", "--seconds", "20", "--rate", "150");
  if (!report.ok) console.log(lines.join("\n"), JSON.stringify(report, null, 2));
  assert.deepEqual(report.violations, []);
  assert.equal(report.acknowledged, report.published);
  assert.equal(report.history.messages, report.published);
  assert.ok(report.faults.some(({ target }) => target !== undefined));
});

for (const [bug, faults] of [
  ["skip-fence", "worker-nats-mute"],
  ["early-ack", "log-full,nats-freeze"],
] as const)
  test(`${bug} is found`, async () => {
    const { ok, violations } = await chaos("--shared", "--seconds", "12", "--faults", faults, "--bug", bug);
    assert.equal(ok, false);
    assert.match(violations.join("\n"), /\d+ (lost|duplicated|misnumbered)/);
  });

test("the command line is checked", () => {
  assert.throws(() => readChaosLine(["--faults", "worker-kill,meteor"]), /there is no fault meteor/);
  assert.throws(() => readChaosLine(["--seed", "x"]), /--seed wants a whole number/);
  assert.throws(() => readChaosLine(["--bug", "x"]), /there is no bug x/);
  assert.deepEqual(readChaosLine([]).faults, Object.keys(FAULTS));
  assert.equal(readChaosLine(["--seed", "3"]).cluster.isolated, true);
  assert.equal(readChaosLine(["--seed", "3", "--shared"]).cluster.isolated, false);
});
