import { setTimeout as pause } from "node:timers/promises";
import { Child } from "../../harness/child.js";
import { residentBytes } from "../memory.js";
import type { Row } from "../report.js";
import { type Side, targetOf } from "../sides.js";
import { type Bench, type BenchContext, scaled } from "./bench.js";

const CONNECTIONS = 10_000;
const CHANNELS_EACH = 3;
const SHARED_BY = 100;
/** V8 gives back what the opening of connections made it take once little is allocated for a while. */
const SETTLE_MS = 20_000;
const KIB = 1_024;

/** What an idle connection costs the process that holds it. */
export const connections: Bench = {
  doc: "10,000 idle connections with 3 channels each, every channel shared by 100: resident memory",
  run: async (context) => {
    const rows: Row[] = [];
    for (const [side, kind] of [
      [await context.plexus(), "gateway"],
      [await context.uws(), "uws"],
    ] as const) {
      const perConnection = await costOf(context, side, kind);
      context.say(`  ${side.name}: ${(perConnection / KIB).toFixed(2)} KiB a connection`);
      const values = { "KiB/connection": perConnection / KIB };
      rows.push({ side: side.name, what: `${side.what}; of the ${kind} process`, values, cpuUs: {} });
    }
    const [plexus, uws] = rows.map(({ values }) => values["KiB/connection"]!) as [number, number];
    return {
      operation: "connection",
      rows,
      ratios: [{ name: "KiB above raw uWebSockets", value: plexus - uws, target: { is: "<=", value: 4 } }],
    };
  },
};

/**
 */
async function costOf({ scale }: BenchContext, side: Side, kind: string): Promise<number> {
  const { pid } = side.processes().find((process) => process.kind === kind)!;
  const count = scaled(CONNECTIONS, scale);
  const target = targetOf(side);
  const generator = new Child(new URL("../generator.js", import.meta.url));
  try {
    const before = residentBytes(pid);
    const sizes = { connections: count, channelsEach: CHANNELS_EACH, sharedBy: SHARED_BY };
    await generator.ask("begin", { kind: "idle", target, ...sizes });
    await pause(SETTLE_MS * Math.min(1, scale * 10));
    const after = residentBytes(pid);
    await generator.ask("stop", null);
    return (after - before) / count;
  } finally {
    await generator.stop();
  }
}
