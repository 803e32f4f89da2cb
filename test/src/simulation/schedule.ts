/**
 * The clock of a simulated world, and all that will happen in it: events in order of their virtual time, which is
 * drawn from the seed, so that any order is possible. Nothing waits for real time.
 *
 * What the product does in promises (loading, taking over, reading) runs as it is, as a *task*. A task sleeps while
 * it waits for an answer that is itself an event; after each event {@link Schedule.settle} lets promises get on
 * until every task sleeps again or is done. So a step is over exactly when nothing more can follow from it.
 */
import type { Seeded } from "../harness/seeded.js";

/** One life of a process: what was meant for it is dropped once it is over, and waits while it stands still. */
export interface Life {
  alive: boolean;
  standsStillUntil: number;
}

export function newLife(): Life {
  return { alive: true, standsStillUntil: 0 };
}

export interface Happening {
  cancelled: boolean;
}

interface Planned extends Happening {
  readonly at: number;
  readonly life: Life | null;
  readonly run: () => void;
}

export interface Settle<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

export class Schedule {
  readonly random: Seeded;
  /** Told what happens, in words, where somebody wants to know. */
  readonly trace: ((line: string) => void) | null;
  now = 1_000_000_000;
  steps = 0;
  /** An error that nobody expected. */
  crashed: unknown = null;
  /** The next one last. */
  readonly #planned: Planned[] = [];
  #awake = 0;

  constructor(random: Seeded, trace: ((line: string) => void) | null) {
    this.random = random;
    this.trace = trace;
  }

  /** True while tasks have something to do before the next event. */
  get unsettled(): boolean {
    return this.#awake > 0;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random.next() < probability;
  }

  note(line: () => string): void {
    this.trace?.(`${((this.now - 1_000_000_000) / 1_000).toFixed(3).padStart(8)}  ${line()}`);
  }

  after(ms: number, life: Life | null, run: () => void): Happening {
    // Two of the same moment come in any order.
    const at = this.now + ms + this.random.next() / 1_000;
    const planned: Planned = { at, life, run, cancelled: false };
    const list = this.#planned;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle]!.at > at) low = middle + 1;
      else high = middle;
    }
    list.splice(low, 0, planned);
    return planned;
  }

  /** Has the next event happen. False: nothing will ever happen again. */
  step(): boolean {
    const next = this.#planned.pop();
    if (next === undefined) return false;
    if (next.at > this.now) this.now = next.at;
    const { life } = next;
    if (next.cancelled || (life !== null && !life.alive)) return true;
    if (life !== null && life.standsStillUntil > this.now) {
      this.after(life.standsStillUntil - this.now, life, next.run);
      return true;
    }
    this.steps++;
    next.run();
    return true;
  }

  async settle(): Promise<void> {
    while (this.#awake > 0) await undefined;
  }

  /** Runs what the product does in promises; it must catch what it expects. */
  task(run: () => Promise<void>): void {
    this.#awake++;
    run().then(
      () => void this.#awake--,
      (error: unknown) => {
        this.#awake--;
        this.crashed ??= error;
      },
    );
  }

  /** A promise that a task waits for, settled by an event. */
  question<T>(ask: (settle: Settle<T>) => void): Promise<T> {
    this.#awake--;
    return new Promise<T>((resolve, reject) => {
      let open = true;
      const wake = () => {
        if (!open) return false;
        open = false;
        this.#awake++;
        return true;
      };
      ask({
        resolve: (value) => void (wake() && resolve(value)),
        reject: (error) => void (wake() && reject(error)),
      });
    });
  }
}
