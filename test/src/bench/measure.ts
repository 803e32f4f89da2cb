/** One load against one side for a while: what got through, and what it cost each kind of process. */
import { setTimeout as pause } from "node:timers/promises";
import { CpuMeter, type Process } from "../drill/cpu.js";
import { Child } from "../harness/child.js";
import type { Plan } from "./generator.js";
import type { Counts, Percentiles, Snapshot } from "./load/load.js";

export interface Measurement {
  readonly seconds: number;
  readonly publishedPerSecond: number;
  readonly acknowledgedPerSecond: number;
  readonly deliveredPerSecond: number;
  readonly receivedPerSecond: number;
  readonly latency: Percentiles | null;
  /** CPU seconds per second, by kind of process; `generator` is the load itself. */
  readonly cpu: Readonly<Record<string, number>>;
}

export interface Timing {
  readonly warmMs: number;
  readonly measureMs: number;
}

/** A window in which nothing at all came through, on a machine that has no time for it, says nothing: then it is longer. */
const MAX_WINDOWS = 20;

function isStill(before: Snapshot, after: Snapshot): boolean {
  return after.delivered === before.delivered && after.acknowledged === before.acknowledged;
}

export async function measure(plan: Plan, servers: readonly Process[], timing: Timing): Promise<Measurement> {
  const generator = new Child(new URL("./generator.js", import.meta.url));
  try {
    await generator.ask("begin", plan);
    await pause(timing.warmMs);
    const processes = [...servers, { kind: "generator", pid: generator.pid }];
    const meter = new CpuMeter(() => processes);
    const before = await generator.ask<Snapshot>("snapshot", null);
    let after = before;
    for (let i = 0; i < MAX_WINDOWS && isStill(before, after); i++) {
      await pause(timing.measureMs);
      after = await generator.ask<Snapshot>("snapshot", null);
    }
    const cpu = meter.read();
    await generator.ask("stop", null);
    return between(before, after, cpu);
  } finally {
    await generator.stop();
  }
}

function between(before: Snapshot, after: Snapshot, cpuSeconds: Record<string, number>): Measurement {
  const seconds = (after.atMs - before.atMs) / 1_000;
  const rate = (of: keyof Counts) => (after[of] - before[of]) / seconds;
  return {
    seconds,
    publishedPerSecond: rate("published"),
    acknowledgedPerSecond: rate("acknowledged"),
    deliveredPerSecond: rate("delivered"),
    receivedPerSecond: rate("receivedBytes"),
    latency: after.latency,
    cpu: Object.fromEntries(Object.entries(cpuSeconds).map(([kind, s]) => [kind, s / seconds])),
  };
}

/** The measurement in the middle, by what counts; of several rounds. */
export function median(measurements: readonly Measurement[], of: (one: Measurement) => number): Measurement {
  const sorted = [...measurements].sort((a, b) => of(a) - of(b));
  return sorted[Math.floor(sorted.length / 2)]!;
}
