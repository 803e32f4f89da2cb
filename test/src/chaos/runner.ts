/** Carries a schedule of faults out, and remembers what each of them did. */
import { setTimeout as pause } from "node:timers/promises";
import { Seeded } from "../harness/seeded.js";
import { FAULTS } from "./faults/index.js";
import type { Planned } from "./schedule.js";
import type { World } from "./world.js";

/** How long what a fault befell may take to be whole again once the fault is over. */
const WHOLE_WITHIN_MS = 60_000;

export interface Performed {
  readonly fault: string;
  /** From the beginning of the schedule, in ms. */
  readonly atMs: number;
  readonly forMs: number;
  /** What it befell; undefined where there was nothing at that time. */
  readonly target?: string;
}

export class FaultRunner {
  readonly performed: Performed[] = [];
  /** What could not be made whole again. */
  readonly failures: string[] = [];
  /** When the schedule began, in milliseconds since 1970. */
  startedAt = Date.now();
  readonly #world: World;
  readonly #say: (line: string) => void;
  readonly #active = new Set<string>();
  readonly #ends: Array<Promise<void>> = [];

  constructor(world: World, say: (line: string) => void) {
    this.#world = world;
    this.#say = say;
  }

  /** The faults under way. */
  get active(): string[] {
    return [...this.#active];
  }

  /** Resolves when all faults are over and everything that they befell is whole again. */
  async run(plan: readonly Planned[]): Promise<void> {
    const startedAt = performance.now();
    this.startedAt = performance.timeOrigin + startedAt;
    for (const planned of plan) {
      await pause(Math.max(0, startedAt + planned.atMs - performance.now()));
      await this.#perform(planned);
    }
    await Promise.all(this.#ends);
  }

  async #perform({ fault, atMs, forMs, seed }: Planned): Promise<void> {
    const over = new AbortController();
    const active = await FAULTS[fault]!.begin(this.#world, new Seeded(seed), over.signal);
    if (active === undefined) return void this.performed.push({ fault, atMs, forMs });
    const { target } = active;
    const what = `${fault} (${target})`;
    this.performed.push({ fault, atMs, forMs, target });
    this.#say(`       ${what} for ${forMs} ms`);
    this.#active.add(what);
    const end = async () => {
      await pause(forMs);
      over.abort();
      const failed = await withDeadline(active.end()).then(
        () => undefined,
        (error: unknown) => String(error),
      );
      this.#active.delete(what);
      if (failed !== undefined) this.failures.push(`${what} did not end: ${failed}`);
    };
    this.#ends.push(end());
  }
}

function withDeadline(task: Promise<unknown>): Promise<unknown> {
  const deadline = new AbortController();
  const late = pause(WHOLE_WITHIN_MS, undefined, { signal: deadline.signal }).then(() => {
    throw new Error(`not whole again after ${WHOLE_WITHIN_MS} ms`);
  });
  late.catch(() => undefined); // aborted where the task was in time
  return Promise.race([task, late]).finally(() => deadline.abort());
}
