import assert from "node:assert/strict";
import { test } from "node:test";
import { planFaults } from "./schedule.js";

const FAULTS = {
  kill: { lastsMs: [500, 4_000] },
  cut: { lastsMs: [100, 3_000] },
  flush: { lastsMs: [0, 0] },
} as const;
const MINUTE = 60_000;

test("the same seed plans the same, another one something else", () => {
  assert.deepEqual(planFaults(7, MINUTE, FAULTS), planFaults(7, MINUTE, FAULTS));
  assert.notDeepEqual(planFaults(7, MINUTE, FAULTS), planFaults(8, MINUTE, FAULTS));
});

test("each fault comes once before any comes again", () => {
  const names = planFaults(3, MINUTE, FAULTS).map(({ fault }) => fault);
  assert.ok(names.length >= 9);
  for (let i = 0; i + 3 <= names.length; i += 3)
    assert.equal(new Set(names.slice(i, i + 3)).size, 3, names.join());
});

test("faults come one at a time at first, together later, and last as long as theirs do", () => {
  const plan = planFaults(5, 10 * MINUTE, FAULTS);
  const overlaps = plan.map(({ atMs, forMs }, i) => i + 1 < plan.length && plan[i + 1]!.atMs < atMs + forMs);
  const alone = plan.filter(({ atMs }) => atMs < 4 * MINUTE).length - 1;
  assert.ok(!overlaps.slice(0, alone).includes(true));
  assert.ok(overlaps.slice(alone).includes(true));
  for (const { fault, forMs } of plan) {
    const [least, most] = FAULTS[fault as keyof typeof FAULTS].lastsMs;
    assert.ok(forMs >= least && forMs <= most);
  }
});
