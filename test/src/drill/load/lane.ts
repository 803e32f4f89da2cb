/**
 * One channel's publisher; pure. It numbers its messages 0, 1, 2 … and has one batch on its way at a time: what
 * becomes due meanwhile waits, and what was not acknowledged is sent again with the same id before anything later.
 * So the order of a channel's messages is the publisher's own whatever fails, and a message that turns up out of
 * order is the cluster's doing.
 */

export interface Ack {
  readonly epoch: string;
  readonly seq: number;
}

export interface TimedMs {
  readonly dueMs: number;
  readonly tookMs: number;
}

/** Messages of a lane that may be on their way at once. */
const MAX_BATCH = 8;
const RETRY_MS = 100;

export class Lane {
  readonly channel: string;
  /** Who was acknowledged where, by number; a hole is a message that never was. */
  readonly acks: Array<Ack | undefined> = [];
  readonly #dueAt: number[] = [];
  #sent = 0;
  readonly #underWay = new Set<number>();
  #again: number[] = [];
  #againAt = 0;
  /** Times from due to acknowledged before the change, in ms. */
  calmMs: number[] = [];
  /** And during it, each with the time at which the message was due, from the beginning of the change. */
  changeMs: TimedMs[] = [];
  #changeFrom = Number.POSITIVE_INFINITY;
  #changeTo = Number.POSITIVE_INFINITY;

  constructor(channel: string) {
    this.channel = channel;
  }

  get published(): number {
    return this.#dueAt.length;
  }
  /** Messages without an acknowledgement. */
  get open(): number {
    return this.#dueAt.length - this.#sent + this.#underWay.size + this.#again.length;
  }

  /** When the oldest message without an acknowledgement became due. */
  get oldestOpenAt(): number | undefined {
    const numbers = [...this.#underWay, ...this.#again];
    if (this.#sent < this.#dueAt.length) numbers.push(this.#sent);
    return numbers.length === 0 ? undefined : this.#dueAt[Math.min(...numbers)];
  }

  midOf(number: number): string {
    return `${this.channel}-${number}`;
  }

  /** One more message is to be published. Returns its number. */
  due(at: number): number {
    return this.#dueAt.push(at) - 1;
  }

  /** The numbers of the messages to send now. */
  take(now: number): number[] {
    if (this.#underWay.size > 0) return [];
    let batch: number[] = [];
    if (this.#again.length > 0) {
      if (now < this.#againAt) return [];
      batch = this.#again.splice(0).sort((a, b) => a - b);
    } else while (this.#sent < this.#dueAt.length && batch.length < MAX_BATCH) batch.push(this.#sent++);
    for (const number of batch) this.#underWay.add(number);
    return batch;
  }

  /** Returns the time from due to acknowledged, in ms. */
  acknowledged(number: number, ack: Ack, now: number): number {
    this.#underWay.delete(number);
    this.acks[number] = ack;
    const dueAt = this.#dueAt[number]!;
    const tookMs = now - dueAt;
    if (now <= this.#changeFrom) this.calmMs.push(tookMs);
    else if (dueAt < this.#changeTo) this.changeMs.push({ dueMs: dueAt - this.#changeFrom, tookMs });
    return tookMs;
  }

  /** No acknowledgement came: it may be stored or not, and is sent again. */
  failed(number: number, now: number): void {
    if (!this.#underWay.delete(number)) return;
    this.#again.push(number);
    this.#againAt = now + RETRY_MS;
  }

  /** Measures anew. */
  calm(): void {
    this.calmMs = [];
    this.changeMs = [];
    this.#changeFrom = Number.POSITIVE_INFINITY;
    this.#changeTo = Number.POSITIVE_INFINITY;
  }

  /** The change begins: what is under way is part of it. */
  change(now: number): void {
    this.#changeFrom = now;
  }

  /** The change is over: what becomes due from now on does not count; what is under way still does. */
  settle(now: number): void {
    this.#changeTo = now;
  }
}
