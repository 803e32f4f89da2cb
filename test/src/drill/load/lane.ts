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

/** The story of one message, for whoever asks why it took so long. */
export interface Slowest {
  readonly channel: string;
  readonly number: number;
  readonly dueAt: number;
  readonly tookMs: number;
  /** When it was sent, in ms from when it was due, and how that ended. */
  readonly tries: ReadonlyArray<{
    readonly afterMs: number;
    readonly tookMs: number;
    readonly answer: string;
  }>;
}

/** Tries of one message that are remembered. */
const MAX_TRIES = 50;
/** Messages of a lane that may be on their way at once. */
const MAX_BATCH = 8;
const RETRY_MS = 100;

export class Lane {
  readonly channel: string;
  /** Who was acknowledged where, by number; a hole is a message that never was. */
  readonly acks: Array<Ack | undefined> = [];
  readonly #dueAt: number[] = [];
  #sent = 0;
  /** By number, when it was sent. */
  readonly #underWay = new Map<number, number>();
  readonly #tries = new Map<number, Array<Slowest["tries"][number]>>();
  #again: number[] = [];
  #againAt = 0;
  /** Times from due to acknowledged before the change, in ms. */
  calmMs: number[] = [];
  /** And during it, each with the time at which the message was due, from the beginning of the change. */
  changeMs: TimedMs[] = [];
  slowest: Slowest | undefined;
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
    const numbers = [...this.#underWay.keys(), ...this.#again];
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
    for (const number of batch) this.#underWay.set(number, now);
    return batch;
  }

  /** Returns the time from due to acknowledged, in ms. */
  acknowledged(number: number, ack: Ack, now: number): number {
    this.#tried(number, now, "ok");
    this.acks[number] = ack;
    const dueAt = this.#dueAt[number]!;
    const tookMs = now - dueAt;
    if (tookMs > (this.slowest?.tookMs ?? 0))
      this.slowest = { channel: this.channel, number, dueAt, tookMs, tries: this.#tries.get(number) ?? [] };
    this.#tries.delete(number);
    if (now <= this.#changeFrom) this.calmMs.push(tookMs);
    else if (dueAt < this.#changeTo) this.changeMs.push({ dueMs: dueAt - this.#changeFrom, tookMs });
    return tookMs;
  }

  /** No acknowledgement came: it may be stored or not, and is sent again. */
  failed(number: number, now: number, answer: string): void {
    if (!this.#underWay.has(number)) return;
    this.#tried(number, now, answer);
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

  #tried(number: number, now: number, answer: string): void {
    const sentAt = this.#underWay.get(number) ?? now;
    this.#underWay.delete(number);
    const tries = this.#tries.get(number) ?? [];
    const afterMs = Math.round(sentAt - this.#dueAt[number]!);
    if (tries.length < MAX_TRIES) tries.push({ afterMs, tookMs: Math.round(now - sentAt), answer });
    this.#tries.set(number, tries);
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

export function slowestOf(some: ReadonlyArray<Slowest | undefined>): Slowest | undefined {
  let slowest: Slowest | undefined;
  for (const one of some) if (one !== undefined && one.tookMs > (slowest?.tookMs ?? 0)) slowest = one;
  return slowest;
}
