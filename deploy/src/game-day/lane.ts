/**
 * What a probe expects of one channel; pure. It publishes messages 0, 1, 2 … one at a time, and again with the same id
 * until each is acknowledged, as an SDK does: so a fault costs time, and anything else is the installation's doing.
 */
import { type Position, Subscription, type Violations } from "../load/check.js";

export class ProbeLane {
  readonly channel: string;
  readonly acks: Position[] = [];
  readonly #dueAt: number[] = [];
  #underWay = false;
  /** The longest from due to acknowledged, in ms, since it was last taken. */
  #longestMs = 0;

  constructor(channel: string) {
    this.channel = channel;
  }

  get published(): number {
    return this.#dueAt.length;
  }
  midOf(number: number): string {
    return `${this.channel}-${number}`;
  }

  due(at: number): void {
    this.#dueAt.push(at);
  }

  /** The message to send now; undefined while one is under way, or where there is none. */
  take(): number | undefined {
    if (this.#underWay || this.acks.length === this.#dueAt.length) return undefined;
    this.#underWay = true;
    return this.acks.length;
  }

  acknowledged(number: number, position: Position, now: number): void {
    if (number !== this.acks.length) return; // an answer to an earlier try
    this.acks.push(position);
    this.#underWay = false;
    this.#longestMs = Math.max(this.#longestMs, now - this.#dueAt[number]!);
  }

  /** There is no answer: it is sent again. */
  failed(): void {
    this.#underWay = false;
  }

  /** For how long the oldest message without an answer has waited. */
  waitingMs(now: number): number {
    const dueAt = this.#dueAt[this.acks.length];
    return dueAt === undefined ? 0 : Math.max(0, now - dueAt);
  }

  /** The longest wait since this was last asked, of messages that were answered and of those that were not. */
  takeLongestMs(now: number): number {
    const longest = Math.max(this.#longestMs, this.waitingMs(now));
    this.#longestMs = 0;
    return longest;
  }
}

/** What one subscriber saw of one channel. */
export class ProbeView {
  readonly lane: ProbeLane;
  readonly subscription: Subscription;
  /** Seqs by message number. */
  readonly #seen = new Map<number, number>();
  /** Messages before this one need not be here: the subscriber was told that it missed some. */
  #excused = 0;
  /** All before this one are here. */
  #complete = 0;
  unrecovered = 0;

  constructor(lane: ProbeLane) {
    this.lane = lane;
    this.subscription = new Subscription(lane.channel);
  }

  get delivered(): number {
    return this.#seen.size;
  }

  subscribed(position: Position, recovered: boolean): void {
    if (!this.subscription.subscribed(position, recovered)) this.#told();
  }

  reset(position: Position): void {
    this.subscription.moved(position);
    this.#told();
  }

  /** @param numbers of the record's messages, in order */
  received({ epoch, seq }: Position, numbers: readonly number[], violations: Violations): void {
    this.subscription.received(epoch, seq, numbers.length, violations);
    for (const [i, number] of numbers.entries()) {
      const before = this.#seen.get(number);
      if (before !== undefined && before !== seq + i) violations.duplicated++;
      this.#seen.set(number, seq + i);
    }
  }

  /** Whether the first `count` messages are acknowledged and here. */
  hasAllOf(count: number): boolean {
    while (this.#seen.has(this.#complete)) this.#complete++;
    return this.lane.acks.length >= count && Math.max(this.#complete, this.#excused) >= count;
  }

  /** Messages that were acknowledged and are not here. */
  missing(): number {
    let missing = 0;
    for (let number = this.#excused; number < this.lane.acks.length; number++)
      if (!this.#seen.has(number)) missing++;
    return missing;
  }

  /** Messages that are here at another position than was acknowledged. */
  misplaced(): number {
    let misplaced = 0;
    for (const [number, { seq }] of this.lane.acks.entries()) {
      const seen = this.#seen.get(number);
      if (seen !== undefined && seen !== seq) misplaced++;
    }
    return misplaced;
  }

  #told(): void {
    this.unrecovered++;
    this.#excused = this.lane.published;
  }
}
