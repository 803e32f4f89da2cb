import { setTimeout as pause } from "node:timers/promises";
import { Child } from "../../harness/child.js";
import type { IdlePlan } from "../load/idle.js";
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

interface Case {
  readonly name: string;
  readonly side: Side;
  /** The process that holds the connections. */
  readonly kind: string;
  readonly sharedBy: number;
  readonly presence: boolean;
}

/** What an idle connection costs the process that holds it. */
export const connections: Bench = {
  doc: "10,000 idle connections with 3 channels each, every channel shared by 100, with presence, and shared by nobody: resident memory",
  run: async (context) => {
    const shared = { kind: "gateway", sharedBy: SHARED_BY, presence: false };
    // Each with servers of its own, since a heap remembers what it held before; and all at once, since they have to settle.
    const { plexus: start, uws: startUws } = context;
    const [first, second, third, last] = await Promise.all([start(), start(), start(), startUws()]);
    const cases: Case[] = [
      { name: "plexus", side: first, ...shared },
      { name: "plexus, presence", side: second, ...shared, presence: true },
      { name: "plexus, nobody shares", side: third, ...shared, sharedBy: 1 },
      { name: "uws", side: last, kind: "uws", sharedBy: SHARED_BY, presence: false },
    ];
    const costs = await costsOf(context, cases);
    const rows: Row[] = cases.map(({ name, side, kind }, i) => {
      context.say(`  ${name}: ${(costs[i]! / KIB).toFixed(2)} KiB a connection`);
      const values = { "KiB/connection": costs[i]! / KIB };
      return { side: name, what: `${side.what}; of the ${kind} process`, values, cpuUs: {} };
    });
    const [plexus, members, alone, uws] = costs.map((bytes) => bytes / KIB) as [
      number,
      number,
      number,
      number,
    ];
    const most = (value: number) => ({ is: "<=", value }) as const;
    return {
      operation: "connection",
      rows,
      ratios: [
        { name: "KiB above raw uWebSockets", value: plexus - uws, target: most(4) },
        { name: "the same with presence", value: members - uws, target: most(6) },
        {
          name: "KiB more for a channel that nobody shares",
          value: (alone - plexus) / CHANNELS_EACH,
          target: most(4),
        },
      ],
    };
  },
};

/** Bytes per connection of each case. */
async function costsOf({ scale }: BenchContext, cases: readonly Case[]): Promise<number[]> {
  const count = scaled(CONNECTIONS, scale);
  const generators: Child[] = [];
  const settle = () => pause(SETTLE_MS * Math.min(1, scale * 2));
  // What starting has left behind would be given back while the connections are there.
  await settle();
  const before = cases.map(({ side, kind }) => residentBytes(pidOf(side, kind)));
  try {
    for (const { side, sharedBy, presence } of cases) {
      const generator = new Child(new URL("../generator.js", import.meta.url));
      generators.push(generator);
      const sizes = { connections: count, channelsEach: CHANNELS_EACH, sharedBy, presence };
      const plan: IdlePlan = { kind: "idle", target: targetOf(side), ...sizes };
      await generator.ask("begin", plan);
    }
    await settle();
    const after = cases.map(({ side, kind }) => residentBytes(pidOf(side, kind)));
    for (const generator of generators) await generator.ask("stop", null);
    return after.map((bytes, i) => (bytes - before[i]!) / count);
  } finally {
    for (const generator of generators) await generator.stop();
  }
}

function pidOf(side: Side, kind: string): number {
  return side.processes().find((process) => process.kind === kind)!.pid;
}
