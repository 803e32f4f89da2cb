/** Advice on cells, from a running cluster: windows of seconds in place of minutes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Admin, cli } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

/** Loads are told once a second: each sample has new ones, also where one of them comes late. */
const [SAMPLE_MS, UP_MS, DOWN_MS, COOLDOWN_MS] = [2_000, 4_000, 8_000, 10_000];
/** Of what comes once a time has passed that is nearly as long as what tests usually wait. */
const PATIENCE_MS = 40_000;

/** Idle is what a cluster of tests is, however busy the machine that it shares. */
const adminEnv = {
  PLEXUS_ADVICE_SAMPLE_MS: String(SAMPLE_MS),
  PLEXUS_ADVICE_UP_MS: String(UP_MS),
  PLEXUS_ADVICE_DOWN_MS: String(DOWN_MS),
  PLEXUS_ADVICE_COOLDOWN_MS: String(COOLDOWN_MS),
  PLEXUS_ADVICE_CPU_LOW_PERCENT: "400",
  PLEXUS_ADVICE_CPU_HIGH_PERCENT: "900",
  PLEXUS_ADVICE_LAG_LOW_MS: "30000",
  PLEXUS_ADVICE_LAG_HIGH_MS: "60000",
};
const cluster = clusterForFile({ admin: true, cells: ["eu-1", "eu-2"], adminEnv });
const admin = new Admin(cluster);

interface Advice {
  advice: string;
  cell?: string;
  region?: string;
  reason: string;
  cooldownMs: number;
  historyMs: number;
  signals: Array<{ of: string; name: string; now: number | null; state: string }>;
}
const advice = () => admin.get<Advice>("/v1/advice");

test("a cluster that has just begun has not enough history; one that is idle could do with a cell less", async () => {
  const first = await advice();
  assert.equal(first.advice, "none");
  const isMeasured = ({ now, name }: Advice["signals"][number]) =>
    now !== null || /^(mailbox|append)Ms$/.test(name);
  const { cell, region, reason, signals } = await until(
    "an advice of which every signal was measured",
    async () => {
      const given = await advice();
      return given.advice !== "none" && given.signals.every(isMeasured) && given;
    },
    PATIENCE_MS,
  );
  assert.match(cell ?? "", /^eu-[12]$/);
  assert.equal(region, "eu");
  assert.match(reason, /all signals of eu were low for 8 s/);
  assert.deepEqual([...new Set(signals.map(({ of }) => of))], ["eu", "gateways"]);
});

test("plexus cells --advise shows it with the numbers", async () => {
  await until("the advice with its numbers", async () => {
    const { out, code, err } = await cli(cluster, "cells", "--advise");
    assert.equal(code, 0, err);
    const numbers = /^eu +cpu +\d\.\d\d +\d\.\d\d +9\.00 +\d\.\d\d +4\.00 +low$/m;
    return /^advice {4}drain eu-[12]$/m.test(out) && numbers.test(out);
  });
});

test("what was advised is done; then it waits, and the last cell is left alone", async () => {
  const { cell } = await until("an advice", async () => {
    const given = await advice();
    return given.advice === "drain" && given;
  });
  const { body } = await admin.ask<{ operation: { id: string } }>("POST", `/v1/cells/${cell}/drain`);
  const during = await advice();
  assert.equal(during.advice, "none");
  await until("the drain to end", async () => {
    const { state } = await admin.get<{ state: string }>(`/v1/operations/${body.operation.id}`);
    return state === "done";
  });
  const after = await advice();
  assert.ok(after.cooldownMs > 0 && after.cooldownMs <= COOLDOWN_MS, String(after.cooldownMs));
  const settled = await until(
    "a history as long as it has to be",
    async () => {
      const given = await advice();
      return given.historyMs >= DOWN_MS && given.cooldownMs === 0 && given;
    },
    PATIENCE_MS,
  );
  assert.equal(settled.advice, "none", settled.reason);
});

test("after a restart the admin API knows nothing of before", async () => {
  const killedAt = performance.now();
  cluster.process("admin").kill("SIGKILL");
  const given = await until("another admin API", async () => {
    const answer = await advice().catch(() => undefined);
    return answer !== undefined && answer.historyMs < performance.now() - killedAt && answer;
  });
  assert.equal(given.advice, "none");
  assert.match(given.reason, /nothing was measured yet|not enough history|not all cells were heard/);
});
