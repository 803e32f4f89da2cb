/** When which fault begins, and for how long: a pure function of the seed. */
import { Seeded } from "../harness/seeded.js";
import type { Fault } from "./faults/index.js";

export interface Planned {
  /** From the beginning, in ms. */
  readonly atMs: number;
  readonly fault: string;
  readonly forMs: number;
  /** Decides what the fault befalls. */
  readonly seed: number;
}

const FIRST_AT_MS = 1_000;
/** From the end of one fault to the next, while they come one at a time. */
const BETWEEN_MS: readonly [number, number] = [1_500, 4_000];
/** From the beginning of one to that of the next, while they come together. */
const TOGETHER_MS: readonly [number, number] = [300, 2_500];
/** Faults come one at a time at first, then together. */
const SHARE_ALONE = 0.4;

/** Every fault once in an order given by the seed before any comes again. */
export function planFaults(
  seed: number,
  durationMs: number,
  faults: Readonly<Record<string, Pick<Fault, "lastsMs">>>,
): Planned[] {
  const chance = new Seeded(seed);
  const plan: Planned[] = [];
  let order: string[] = [];
  for (let atMs = FIRST_AT_MS; atMs < durationMs; ) {
    if (order.length === 0) order = shuffled(Object.keys(faults), chance);
    const fault = order.pop()!;
    const forMs = chance.int(...faults[fault]!.lastsMs);
    plan.push({ atMs, fault, forMs, seed: chance.int(0, 2 ** 31) });
    const alone = atMs < durationMs * SHARE_ALONE;
    atMs += alone ? forMs + chance.int(...BETWEEN_MS) : chance.int(...TOGETHER_MS);
  }
  return plan;
}

function shuffled<T>(some: readonly T[], chance: Seeded): T[] {
  const order = [...some];
  for (let i = order.length - 1; i > 0; i--) {
    const j = chance.int(0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
