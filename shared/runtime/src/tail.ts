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

/** A record, and where its bytes lie. */
interface Kept {
  readonly seq: number;
  readonly n: number;
  readonly at: number;
  readonly block: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** Small records lie in blocks of this size at most: each by itself would take 250 bytes of the heap more. */
const BLOCK_BYTES = 16 * 1_024;
/** What is larger keeps its own memory, unless this many times as much came with it: NATS reads 64 KiB at a time. */
const OWN_FROM_BYTES = BLOCK_BYTES / 4;
const MOST_KEPT = 4;
/** The same one for all that have none: there are tens of thousands of tails in which nothing lies. */
const NO_BLOCK = new Uint8Array(0);

export class Tail {
  readonly #maxRecords: number;
  readonly #maxBytes: number;
  readonly #all: TailBytes;
  /** What was dropped stands before `#start` until there is as much of it as of the rest: each push drops one. */
  #records: Array<Kept | undefined> = [];
  #start = 0;
  #bytes = 0;
  /** The block that is being filled, and how far. What was written is never written over, since it may be on its way. */
  #block: Uint8Array = NO_BLOCK;
  #filled = 0;

  /** @param all counts this one's bytes too; one that is given up has to be cleared */
  constructor(bounds: { maxRecords: number; maxBytes: number }, all: TailBytes = { bytes: 0 }) {
    this.#maxRecords = bounds.maxRecords;
    this.#maxBytes = bounds.maxBytes;
    this.#all = all;
  }

  /** Seq of the oldest message held; undefined while empty. */
  get oldest(): number | undefined {
    return this.#records[this.#start]?.seq;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the record that follows. One that does not follow makes the tail start anew with it. */
  push(record: TailRecord): void {
    const last = this.#records.at(-1);
    if (last !== undefined && last.seq + last.n !== record.seq) this.clear();
    const { bytes } = record;
    this.#records.push(bytes.length < OWN_FROM_BYTES ? this.#write(record) : keptAlone(record));
    this.#count(bytes.length);
    this.#trim();
  }

  /** Puts older records in front, as many as the bounds allow; they must end where the tail begins. */
  prepend(records: readonly TailRecord[]): void {
    this.#cut();
    for (let i = records.length - 1; i >= 0; i--) {
      const record = records[i]!;
      const first = this.#records[0];
      if (first !== undefined && record.seq + record.n !== first.seq) return;
      if (this.#records.length >= this.#maxRecords || this.#bytes + record.bytes.length > this.#maxBytes)
        return;
      this.#records.unshift(keptAlone(record));
      this.#count(record.bytes.length);
    }
  }

  /** Whether it holds all that lies after `seq`. */
  reaches(seq: number): boolean {
    const { oldest } = this;
    return oldest !== undefined && seq + 1 >= oldest;
  }

  /** The records that hold what lies after `seq`, or undefined if the tail does not reach back that far. */
  after(seq: number): TailRecord[] | undefined {
    if (!this.reaches(seq)) return undefined;
    let from = this.#records.length;
    while (from > this.#start && this.#records[from - 1]!.seq + this.#records[from - 1]!.n - 1 > seq) from--;
    return this.#records.slice(from).map((kept) => recordOf(kept!));
  }

  /** The newest records, oldest first: as many as fit into so many bytes. */
  newest(maxBytes: number): Uint8Array[] {
    let from = this.#records.length;
    for (let bytes = 0; from > this.#start; from--) {
      const last = this.#records[from - 1]!;
      bytes += last.to - last.from;
      if (bytes > maxBytes) break;
    }
    return this.#records.slice(from).map((kept) => recordOf(kept!).bytes);
  }

  /** Forgets records from before `time`. */
  dropBefore(time: number): void {
    while (this.#start < this.#records.length && this.#records[this.#start]!.at < time) this.#drop();
    if (this.#size === 0) this.clear();
    else this.#cut();
  }

  clear(): void {
    this.#records = [];
    this.#start = 0;
    this.#block = NO_BLOCK;
    this.#filled = 0;
    this.#count(-this.#bytes);
  }

  /** A block is as large as all that there is, so that a tail takes no more than twice its bytes, and a block. */
  #write({ seq, n, at, bytes }: TailRecord): Kept {
    if (this.#filled + bytes.length > this.#block.length) {
      this.#block = new Uint8Array(Math.max(bytes.length, Math.min(this.#bytes, BLOCK_BYTES)));
      this.#filled = 0;
    }
    const [block, from] = [this.#block, this.#filled];
    block.set(bytes, from);
    this.#filled += bytes.length;
    return { seq, n, at, block, from, to: this.#filled };
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#all.bytes += bytes;
  }

  #trim(): void {
    while (this.#size > this.#maxRecords || (this.#bytes > this.#maxBytes && this.#size > 1)) this.#drop();
    if (this.#start > this.#size) this.#cut();
  }

  get #size(): number {
    return this.#records.length - this.#start;
  }

  #drop(): void {
    const { from, to } = this.#records[this.#start]!;
    this.#count(from - to);
    this.#records[this.#start++] = undefined;
  }

  #cut(): void {
    if (this.#start > 0) this.#records = this.#records.slice(this.#start);
    this.#start = 0;
  }
}

function recordOf({ seq, n, at, block, from, to }: Kept): TailRecord {
  return { seq, n, at, bytes: block.subarray(from, to) };
}

/** In memory of its own. */
function keptAlone({ seq, n, at, bytes }: TailRecord): Kept {
  const block = bytes.length * MOST_KEPT >= bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  return { seq, n, at, block, from: 0, to: bytes.length };
}
