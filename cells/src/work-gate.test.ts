/** A worker that lags takes less of the tenant that keeps it busy, and whatever nobody waits to store at any time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FAIR_TICK_MS, Settings, TenantLimits, type WireCommand } from "@plexus/runtime";
import { refusalOf } from "./work-gate.js";

const limits = new TenantLimits({
  settings: new Settings(),
  by: "w1",
  fair: { lagMs: 10, utilization: 1, starvation: 1 },
  now: 0,
});
const publish = (tenant: string, n: number): WireCommand => {
  const lengths = Array.from({ length: n }, () => 2);
  return [1, "publish", tenant, "chat.a", [new Uint8Array(3 * n - 1), lengths, [[0, "id", "u", false]]]];
};

test("batches of the busiest tenant are refused with the time to come back; others and other commands are not", () => {
  let now = 0;
  for (let tick = 0; tick < 20; tick++) {
    for (let i = 0; i < 50; i++) refusalOf(publish("noisy", 20), limits, now);
    assert.equal(refusalOf(publish("quiet", 1), limits, now), null);
    now += FAIR_TICK_MS;
    limits.strained({ lagMs: 500, utilization: 1, starvation: 0 }, now);
  }
  const refusals = Array.from({ length: 50 }, () => refusalOf(publish("noisy", 20), limits, now));
  const refusal = refusals.at(-1);
  assert.equal(refusal?.[0], "rate_limited");
  assert.ok(Number(refusal?.[2]) >= 1);
  assert.equal(refusalOf(publish("quiet", 1), limits, now), null);
  assert.equal(refusalOf([1, "head", "noisy", "chat.a", { gateway: "g1" }], limits, now), null);
  for (let tick = 0; tick < 100; tick++) {
    now += FAIR_TICK_MS;
    limits.strained({ lagMs: 0, utilization: 0, starvation: 0 }, now);
  }
  for (let i = 0; i < 50; i++) assert.equal(refusalOf(publish("noisy", 20), limits, now), null);
});
