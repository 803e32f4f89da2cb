/** What the load expects of order and completeness; pure. */

export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** Messages that did not come as they must, over all subscriptions. */
export interface Violations {
  /** Acknowledged, and not delivered to somebody who was subscribed. */
  lost: number;
  duplicated: number;
  /** Delivered at another position than acknowledged. */
  misplaced: number;
}

export const noViolations = (): Violations => ({ lost: 0, duplicated: 0, misplaced: 0 });

/** One subscription: seqs must follow on each other. */
export class Subscription {
  readonly channel: string;
  #position: Position | undefined;
  /** Whether messages come now: not while a connection is away or asks. */
  live = false;

  constructor(channel: string) {
    this.channel = channel;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  /** The answer to `sub`. Returns whether what was missed comes. */
  subscribed({ epoch, seq }: Position, recovered: boolean): boolean {
    this.live = true;
    const asked = this.#position !== undefined;
    // Recovered: what lies after the position that was asked for is yet to come.
    if (asked && recovered) return true;
    this.#position = { epoch, seq };
    return !asked;
  }

  /** A record. Returns how many of its messages are new. */
  received(epoch: string, seq: number, n: number, violations: Violations): number {
    const before = this.#position;
    if (before === undefined || before.epoch !== epoch) {
      this.#position = { epoch, seq: seq + n - 1 };
      return n;
    }
    const last = seq + n - 1;
    if (seq > before.seq + 1) violations.lost += seq - before.seq - 1;
    const known = Math.max(0, Math.min(n, before.seq - seq + 1));
    violations.duplicated += known;
    if (last > before.seq) this.#position = { epoch, seq: last };
    return n - known;
  }

  /** The server said that messages up to here will not come. */
  moved(position: Position): void {
    this.#position = position;
  }
}

/** Messages of a channel of which one half is remembered: more wait only where nobody subscribes, or nothing is answered. */
const MAX_REMEMBERED = 5_000;

/** One channel: what was acknowledged must be delivered, at the position that was acknowledged. */
export class ChannelCheck {
  /** By number, of messages that were not both acknowledged and delivered yet. */
  readonly #acked = new Map<number, number>();
  readonly #delivered = new Map<number, number>();
  #head: Position | undefined;

  /** The highest position that was acknowledged. */
  get head(): Position | undefined {
    return this.#head;
  }
  get open(): number {
    return this.#acked.size;
  }

  acknowledged(number: number, { epoch, seq }: Position, violations: Violations): void {
    if (this.#head === undefined || this.#head.epoch !== epoch || seq > this.#head.seq)
      this.#head = { epoch, seq };
    const delivered = this.#delivered.get(number);
    if (delivered === undefined) return remember(this.#acked, number, seq);
    this.#delivered.delete(number);
    if (delivered !== seq) violations.misplaced++;
  }

  /** Told once for each message, by whoever receives it first. */
  delivered(number: number, seq: number, violations: Violations): void {
    const acked = this.#acked.get(number);
    if (acked === undefined) return remember(this.#delivered, number, seq);
    this.#acked.delete(number);
    if (acked !== seq) violations.misplaced++;
  }

  /** What is left of a step: neither is waited for any longer. */
  forget(): void {
    this.#acked.clear();
    this.#delivered.clear();
  }
}

function remember(seqs: Map<number, number>, number: number, seq: number): void {
  seqs.set(number, seq);
  if (seqs.size > MAX_REMEMBERED) seqs.delete(seqs.keys().next().value!);
}

/** Messages that a subscription which is live did not get, though they were acknowledged. */
export function missingAtEnd(subscription: Subscription, head: Position | undefined): number {
  const { live, position } = subscription;
  if (!live || head === undefined || position === undefined || position.epoch !== head.epoch) return 0;
  return Math.max(0, head.seq - position.seq);
}
