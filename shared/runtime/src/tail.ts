/**
 * The tail: the newest records of a channel, consecutive, bounded by count and bytes. Actors and relays both
 * keep one, so that most recoveries need nobody else.
 */

export interface TailRecord {
  /** The first message's seq. */
  readonly seq: number;
  /** How many messages; at least 1. */
  readonly n: number;
  readonly bytes: Uint8Array;
  /** When it was stored or arrived, milliseconds since 1970; for retention by age. */
  readonly at: number;
}

/** The bytes of many tails together. */
export interface TailBytes {
  bytes: number;
}

export class Tail {
  readonly #maxRecords: number;
  readonly #maxBytes: number;
  readonly #all: TailBytes;
  #records: TailRecord[] = [];
  #bytes = 0;

  /** @param all counts this one's bytes too; one that is given up has to be cleared */
  constructor(bounds: { maxRecords: number; maxBytes: number }, all: TailBytes = { bytes: 0 }) {
    this.#maxRecords = bounds.maxRecords;
    this.#maxBytes = bounds.maxBytes;
    this.#all = all;
  }

  /** Seq of the oldest message held; undefined while empty. */
  get oldest(): number | undefined {
    return this.#records[0]?.seq;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the record that follows. One that does not follow makes the tail start anew with it. */
  push(record: TailRecord): void {
    const last = this.#records.at(-1);
    if (last !== undefined && last.seq + last.n !== record.seq) this.clear();
    this.#records.push(record);
    this.#count(record.bytes.length);
    this.#trim();
  }

  /** Puts older records in front, as many as the bounds allow; they must end where the tail begins. */
  prepend(records: readonly TailRecord[]): void {
    for (let i = records.length - 1; i >= 0; i--) {
      const record = records[i]!;
      const first = this.#records[0];
      if (first !== undefined && record.seq + record.n !== first.seq) return;
      if (this.#records.length >= this.#maxRecords || this.#bytes + record.bytes.length > this.#maxBytes)
        return;
      this.#records.unshift(record);
      this.#count(record.bytes.length);
    }
  }

  /** The records that hold what lies after `seq`, or undefined if the tail does not reach back that far. */
  after(seq: number): readonly TailRecord[] | undefined {
    const oldest = this.oldest;
    if (oldest === undefined || seq + 1 < oldest) return undefined;
    let from = this.#records.length;
    while (from > 0 && this.#records[from - 1]!.seq + this.#records[from - 1]!.n - 1 > seq) from--;
    return this.#records.slice(from);
  }

  /** Forgets records from before `time`. */
  dropBefore(time: number): void {
    let drop = 0;
    while (drop < this.#records.length && this.#records[drop]!.at < time)
      this.#count(-this.#records[drop++]!.bytes.length);
    if (drop > 0) this.#records.splice(0, drop);
  }

  clear(): void {
    this.#records = [];
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#all.bytes += bytes;
  }

  #trim(): void {
    let drop = 0;
    while (
      this.#records.length - drop > this.#maxRecords ||
      (this.#bytes > this.#maxBytes && drop < this.#records.length - 1)
    )
      this.#count(-this.#records[drop++]!.bytes.length);
    if (drop > 0) this.#records.splice(0, drop);
  }
}
