import { setTimeout as pause } from "node:timers/promises";
import { CpuMeter } from "../../drill/cpu.js";
import { Child } from "../../harness/child.js";
import type { Snapshot } from "../load/load.js";
import type { PresenceAct } from "../load/presence.js";
import { perOperation, type Row } from "../report.js";
import { type Side, targetOf } from "../sides.js";
import { type Bench, type BenchContext, scaled } from "./bench.js";

/** Members, and joins and leaves a second: the sizes double so that what grows with what is seen. */
const SIZES = [
  { members: 1_250, changes: 125 },
  { members: 1_250, changes: 500 },
  { members: 2_500, changes: 500 },
  { members: 5_000, changes: 125 },
  { members: 5_000, changes: 250 },
  { members: 5_000, changes: 500 },
];
const VISIBLE_WITHIN_MS = 500;
/** What the cell does for a change: it must not grow with the members. Those must be told, by their gateways. */
const OF_THE_CELL = ["worker", "nats", "redis"];
const FLAT = 1.2;
/** The step of the CPU clock: less can't be told from nothing. */
const CPU_STEP_S = 0.01;

/** How long until a member is seen, and what a change costs, in a channel with many members who all are told. */
export const presence: Bench = {
  doc: "up to 5,000 members of one channel, all of them told of up to 500 joins and leaves a second",
  run: async (context) => {
    const side = await context.plexus();
    const rows = await rowsOf(context, side);
    const [few, , , , , most] = rows as [Row, Row, Row, Row, Row, Row];
    const ofTheCell = "cell CPU µs/change";
    return {
      operation: "change",
      rows,
      ratios: [
        {
          name: "p99 ms until a join is seen, 5,000 members, 500 changes/s",
          value: most.values["p99 ms"]!,
          target: { is: "<=", value: VISIBLE_WITHIN_MS },
        },
        {
          name: "CPU of the cell per change, 5,000 members / 1,250, at 500 changes/s",
          value: most.values[ofTheCell]! / rows[1]!.values[ofTheCell]!,
          target: { is: "<=", value: FLAT },
        },
        {
          name: "bytes per change and member, 5,000 members, 500 changes/s / 1,250 members, 125 changes/s",
          value: most.values["bytes/change/member"]! / few.values["bytes/change/member"]!,
          target: { is: "<=", value: FLAT },
        },
      ],
    };
  },
};

async function rowsOf(context: BenchContext, side: Side): Promise<Row[]> {
  const generator = new Child(new URL("../generator.js", import.meta.url));
  const channel = `bench.presence-${crypto.randomUUID().slice(0, 8)}`;
  const rows: Row[] = [];
  try {
    await generator.ask("begin", { kind: "presence", target: targetOf(side), channel });
    for (const { members, changes } of SIZES)
      rows.push(await rowOf(context, side, generator, scaled(members, context.scale), changes));
    await generator.ask("stop", null);
    return rows;
  } finally {
    await generator.stop();
  }
}

async function rowOf(
  { timing, say }: BenchContext,
  side: Side,
  generator: Child,
  members: number,
  changesPerSecond: number,
): Promise<Row> {
  const act = (what: PresenceAct) => generator.ask("act", what);
  const snapshot = () => generator.ask<Snapshot>("snapshot", null);
  await act({ members, changesPerSecond: 0 });
  await act({ members, changesPerSecond });
  await pause(timing.warmMs);
  const processes = [...side.processes(), { kind: "generator", pid: generator.pid }];
  const meter = new CpuMeter(() => processes);
  const before = await snapshot();
  await pause(timing.measureMs);
  const after = await snapshot();
  const cpu = meter.read();
  const seconds = (after.atMs - before.atMs) / 1_000;
  const perSecond = (after.published - before.published) / seconds;
  const cellS = OF_THE_CELL.reduce((sum, kind) => sum + (cpu[kind] ?? 0), 0);
  const shares = Object.fromEntries(Object.entries(cpu).map(([kind, s]) => [kind, s / seconds]));
  const values = {
    "p99 ms": after.latency?.p99Ms ?? Number.NaN,
    "p50 ms": after.latency?.p50Ms ?? Number.NaN,
    "joins seen/s": (after.acknowledged - before.acknowledged) / seconds,
    "cell CPU µs/change": (Math.max(cellS, CPU_STEP_S) * 1_000_000) / (after.published - before.published),
    "bytes/change/member": (after.delivered - before.delivered) / seconds / perSecond / members,
  };
  say(`  ${members} members, ${changesPerSecond} changes/s: p99 ${values["p99 ms"].toFixed(0)} ms`);
  const name = `${members.toLocaleString("en-US")} members, ${changesPerSecond}/s`;
  return { side: name, what: side.what, values, cpuUs: perOperation(shares, perSecond) };
}
