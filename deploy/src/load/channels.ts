/** The load's channels: what each of them carried, so that a record is taken apart once and not for every subscriber. */
import { ChannelCheck } from "./check.js";
import { type Mark, marksIn } from "./marks.js";
import type { Meter } from "./meter.js";

/** Records of a channel whose marks are remembered: subscribers are not much further apart. */
const REMEMBERED = 32;

export interface RecordHead {
  readonly epoch: string;
  readonly seq: number;
  readonly n: number;
}

export class LoadChannel {
  readonly name: string;
  readonly check = new ChannelCheck();
  readonly #marks = new Map<string, Mark[]>();
  #seen: { epoch: string; seq: number } | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** The marks of a record that somebody received. */
  record({ epoch, seq, n }: RecordHead, chunk: Buffer, from: number, to: number, meter: Meter): Mark[] {
    const key = `${epoch} ${seq} ${n}`;
    const known = this.#marks.get(key);
    if (known !== undefined) return known;
    const marks = marksIn(chunk, from, to);
    this.#marks.set(key, marks);
    if (this.#marks.size > REMEMBERED) this.#marks.delete(this.#marks.keys().next().value!);
    // Messages of others have no marks; then none can be told from the others by its place.
    if (marks.length === n) this.#first(marks, epoch, seq, meter);
    return marks;
  }

  #first(marks: readonly Mark[], epoch: string, seq: number, meter: Meter): void {
    const seen = this.#seen?.epoch === epoch ? this.#seen.seq : 0;
    for (const [i, { number }] of marks.entries())
      if (seq + i > seen) this.check.delivered(number, seq + i, meter.violations);
    this.#seen = { epoch, seq: Math.max(seen, seq + marks.length - 1) };
  }
}
