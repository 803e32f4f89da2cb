import { setTimeout as pause } from "node:timers/promises";
import { Child } from "../../harness/child.js";
import type { IdlePlan } from "../load/idle.js";
import { collectedHeapBytes, PROBED, residentBytes } from "../memory.js";
import type { Row } from "../report.js";
import { type Side, targetOf } from "../sides.js";
import { type Bench, type BenchContext, scaled } from "./bench.js";

const CONNECTIONS = 10_000;
const CHANNELS_EACH = 3;
const SHARED_BY = 100;
/** V8 gives back what the opening of connections made it take once little is allocated for a while. */
const SETTLE_MS = 20_000;
/** And what a collection has freed, in the background. */
const GIVE_BACK_MS = 2_000;
const KIB = 1_024;

/** Bytes of one connection. */
interface Memory {
  /** Garbage of the opening of connections is part of it, as much as V8 happens to have left: it varies from run to run. */
  readonly uncollected: number;
  /** Without that. */
  readonly resident: number;
  /** On V8's heap once all garbage is collected: the same in every run. */
  readonly heap: number;
}

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
  doc: "10,000 idle connections with 3 channels each, every channel shared by 100, with presence, and shared by nobody: resident memory and heap",
  run: async (context) => {
    const shared = { kind: "gateway", sharedBy: SHARED_BY, presence: false };
    // Each with servers of its own, since a heap remembers what it held before; and all at once, since they have to settle.
    const { uws: startUws } = context;
    const start = () => context.plexus({ gatewayEnv: PROBED });
    const [first, second, third, last] = await Promise.all([start(), start(), start(), startUws()]);
    const cases: Case[] = [
      { name: "plexus", side: first, ...shared },
      { name: "plexus, presence", side: second, ...shared, presence: true },
      { name: "plexus, nobody shares", side: third, ...shared, sharedBy: 1 },
      { name: "uws", side: last, kind: "uws", sharedBy: SHARED_BY, presence: false },
    ];
    const costs = await costsOf(context, cases);
    const rows: Row[] = cases.map(({ name, side, kind }, i) => {
      const { uncollected, resident, heap } = costs[i]!;
      const values = {
        "KiB/connection": resident / KIB,
        "KiB/connection, with garbage": uncollected / KIB,
        "KiB/connection, heap": heap / KIB,
      };
      context.say(`  ${name}: ${(resident / KIB).toFixed(2)} KiB a connection`);
      return { side: name, what: `${side.what}; of the ${kind} process`, values, cpuUs: {} };
    });
    const [plexus, members, alone, uws] = costs.map(({ resident }) => resident / KIB) as [
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

/** What a connection takes in each case. */
async function costsOf({ scale }: BenchContext, cases: readonly Case[]): Promise<Memory[]> {
  const count = scaled(CONNECTIONS, scale);
  const generators: Child[] = [];
  const least = Math.min(1, scale * 2);
  const settle = () => pause(SETTLE_MS * least);
  const giveBack = () => pause(GIVE_BACK_MS * least);
  // What starting has left behind would be given back while the connections are there.
  await settle();
  // Collected first: what starting has left on the heap would otherwise be room for connections that costs nothing.
  const heapsBefore = await heapsOf(cases);
  await giveBack();
  const residentBefore = residentOf(cases);
  try {
    for (const { side, sharedBy, presence } of cases) {
      const generator = new Child(new URL("../generator.js", import.meta.url));
      generators.push(generator);
      const sizes = { connections: count, channelsEach: CHANNELS_EACH, sharedBy, presence };
      const plan: IdlePlan = { kind: "idle", target: targetOf(side), ...sizes };
      await generator.ask("begin", plan);
    }
    await settle();
    const uncollected = residentOf(cases);
    const heaps = await heapsOf(cases);
    await giveBack();
    const resident = residentOf(cases);
    for (const generator of generators) await generator.ask("stop", null);
    return cases.map((_, k) => ({
      uncollected: (uncollected[k]! - residentBefore[k]!) / count,
      resident: (resident[k]! - residentBefore[k]!) / count,
      heap: (heaps[k]! - heapsBefore[k]!) / count,
    }));
  } finally {
    for (const generator of generators) await generator.stop();
  }
}

function residentOf(cases: readonly Case[]): number[] {
  return cases.map(({ side, kind }) => residentBytes(pidOf(side, kind)));
}

/** One after the other: a collection takes a processor. */
async function heapsOf(cases: readonly Case[]): Promise<number[]> {
  const heaps: number[] = [];
  for (const { side, kind } of cases) heaps.push(await collectedHeapBytes(pidOf(side, kind)));
  return heaps;
}

function pidOf(side: Side, kind: string): number {
  return side.processes().find((process) => process.kind === kind)!.pid;
}
