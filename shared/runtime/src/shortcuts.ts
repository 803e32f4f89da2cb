/**
 * Where commands go. A partition's subject reaches whoever serves it, and needs nobody to know who that is. But a
 * worker serves many, and what a turn of the event loop has for each of them would be a NATS message of its own: so answers
 * name the worker that gave them, and while one is answering, the commands for all of its partitions go straight to it.
 *
 * A shortcut is only ever a guess, and a wrong one costs no more than the way back: the worker answers `moved` for what
 * it does not own, the bus says that nobody is there, and of one that has fallen silent the others take the partitions over.
 */
import { subjects } from "@plexus/protocol";

/**
 * Who was not heard for so long gets nothing by a shortcut. Far below the 2 s after which a worker that hangs is
 * replaced, so that nothing is sent to one that was; and far above the time between two answers to a busy gateway.
 */
const FRESH_MS = 250;
/** And is forgotten after that. */
const FORGET_MS = 10_000;

export interface Address {
  readonly subject: string;
  /** The correlations of what is sent there at the end of this turn. */
  waiting: number[];
}

interface WorkerAddress extends Address {
  heardAt: number;
}

export interface PartitionAddress extends Address {
  /** Who answered last for it. */
  worker: WorkerAddress | undefined;
}

export class Shortcuts {
  /** By cell and number. There are as many as cells have partitions. */
  readonly #partitions = new Map<string, PartitionAddress[]>();
  readonly #workers = new Map<string, WorkerAddress>();

  partition(cell: string, number: number): PartitionAddress {
    let those = this.#partitions.get(cell);
    if (those === undefined) {
      those = [];
      this.#partitions.set(cell, those);
    }
    let partition = those[number];
    if (partition === undefined) {
      partition = { subject: subjects.command(cell, number), waiting: [], worker: undefined };
      those[number] = partition;
    }
    return partition;
  }

  /** Where a command for the partition goes now. */
  from(partition: PartitionAddress, now: number): Address {
    const { worker } = partition;
    return worker !== undefined && now - worker.heardAt < FRESH_MS ? worker : partition;
  }

  /** A worker answers; `subject` is its own, or empty from one of a version that has none. */
  heard(subject: string | undefined, now: number): WorkerAddress | undefined {
    if (!subject) return undefined;
    let worker = this.#workers.get(subject);
    if (worker === undefined) {
      worker = { subject, waiting: [], heardAt: now };
      this.#workers.set(subject, worker);
    }
    worker.heardAt = now;
    return worker;
  }

  /** Nobody is there under a subject; what a worker that is gone had answered counts no more. */
  gone(subject: string): void {
    const worker = this.#workers.get(subject);
    if (worker !== undefined) worker.heardAt = Number.NEGATIVE_INFINITY;
  }

  forgetSilent(now: number): void {
    for (const [subject, { heardAt }] of this.#workers)
      if (now - heardAt > FORGET_MS) this.#workers.delete(subject);
  }
}
