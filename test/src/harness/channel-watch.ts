/** What one client received on one channel, and whether it was what the protocol promises: consecutive seqs. */
import assert from "node:assert/strict";
import type { Message, MsgFrame, Position, ResetFrame, SkippedFrame, SubOk } from "@plexus/protocol";

export interface Received extends Message {
  epoch: string;
  seq: number;
}

export class ChannelWatch {
  readonly name: string;
  /** In the order of arrival. */
  readonly received: Received[] = [];
  readonly resets: ResetFrame[] = [];
  /** Messages that were left out, and named. */
  skips = 0;
  readonly #violations: string[] = [];
  #epoch: string | undefined;
  /** The seq that has to come; undefined where a rewind decides it. */
  #next: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Where this subscriber stands. */
  get position(): Position {
    return { epoch: this.#epoch!, seq: (this.#next ?? 1) - 1 };
  }
  get seqs(): number[] {
    return this.received.map(({ seq }) => seq);
  }
  get ids(): string[] {
    return this.received.map(({ id }) => id);
  }
  get data(): unknown[] {
    return this.received.map(({ data }) => data);
  }

  subscribed(asked: { since?: unknown; rewind?: unknown }, answer: SubOk): void {
    this.#epoch = answer.epoch;
    if (answer.recovered) this.#next = (asked.since as Position).seq + 1;
    else this.#next = asked.rewind === undefined ? answer.seq + 1 : undefined;
  }

  reset({ epoch, seq, ...frame }: ResetFrame): void {
    this.resets.push({ epoch, seq, ...frame });
    this.#epoch = epoch;
    this.#next = seq + 1;
  }

  skipped({ epoch, seq, n }: SkippedFrame): void {
    if (epoch !== this.#epoch || seq !== this.#next)
      this.#violations.push(`skipped ${seq} in place of ${this.#next}`);
    this.skips += n;
    this.#next = seq + n;
  }

  messages({ epoch, seq, n, m }: MsgFrame): void {
    if (epoch !== this.#epoch) this.#violations.push(`epoch ${epoch} in place of ${this.#epoch}`);
    if (n !== m.length) this.#violations.push(`n is ${n} at seq ${seq} with ${m.length} messages`);
    if (this.#next !== undefined && seq !== this.#next)
      this.#violations.push(`seq ${seq} in place of ${this.#next}`);
    this.#next = seq + m.length;
    for (const [i, message] of m.entries()) this.received.push({ epoch, seq: seq + i, ...message });
  }

  /** Fails if anything ever was missing, twice, or out of order. */
  assertConsecutive(): void {
    assert.deepEqual(this.#violations, [], `order on ${this.name}`);
  }
}
