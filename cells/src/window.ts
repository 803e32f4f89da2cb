/**
 * The idempotency window of a channel: which message ids were stored of late, and where.
 *
 * Ids that publishers chose are remembered for the promised two minutes; ids that a gateway made as well while there are
 * few of them, and at least for as long as a gateway retries. Both are bounded; a full window refuses new messages rather
 * than forgetting what was promised.
 */

export const WINDOW_MS = 120_000;
/** The worker's clock and the log's may differ by so much before an id could be forgotten early. */
const CLOCK_SKEW_MS = 120_000;
/** What the log stored longer ago can't be within the window, whatever the clocks say. */
export const WINDOW_IN_LOG_MS = WINDOW_MS + CLOCK_SKEW_MS;
/** Longer than a gateway's deadline for a publish, so that none of its retries is taken for new. */
export const MADE_LEAST_MS = 20_000;

/** Times that are over are cut off once there are so many, and at least half of all are over. */
const CUT_AFTER = 1_024;

/** The ids of many windows together. */
export interface IdCount {
  ids: number;
}

export interface Stored {
  readonly seq: number;
  readonly ts: number;
}

/**
 * Ids are unique per user, so both make the key; the length keeps ("a", "bc") and ("ab", "c") apart. Joined, since of a
 * string that is added up V8 keeps all the parts, which together are twice as large.
 */
export function windowKey(id: string, user: string): string {
  return [id.length, ":", id, user].join("");
}

/**
 * There may be a million ids in a worker's windows, and each message adds one and takes one away: so an id costs its key
 * and a number, and the time is kept once for all that were stored together.
 */
export class IdempotencyWindow {
  readonly #maxIds: number;
  readonly #all: IdCount;
  /** Seqs by id, the oldest first, since a Map keeps the order of insertion. */
  readonly #seqs = new Map<string, number>();
  /**
   * Stands at the oldest id. Kept from call to call: a new one would walk over the places of all that was deleted since
   * the Map was last made smaller.
   */
  #oldest = this.#seqs.keys();
  /** When ids were stored, from which seq on, and how many together; those before `#firstTime` are over. */
  #times: number[] = [];
  #firstSeqs: number[] = [];
  #counts: number[] = [];
  #firstTime = 0;

  /** @param all counts this one's ids too; one that is given up has to be cleared */
  constructor(maxIds: number, all: IdCount = { ids: 0 }) {
    this.#maxIds = maxIds;
    this.#all = all;
  }

  get size(): number {
    return this.#seqs.size;
  }

  get(key: string): Stored | undefined {
    const seq = this.#seqs.get(key);
    return seq === undefined ? undefined : { seq, ts: this.#timeOf(seq) };
  }

  hasRoom(n: number): boolean {
    return this.#seqs.size + n <= this.#maxIds;
  }

  /** Forgets what was stored a span ago, or longer. */
  forgetOld(now: number, spanMs: number): void {
    for (;;) {
      const ts = this.#times[this.#firstTime];
      if (ts === undefined || ts + spanMs > now) break;
      for (let i = this.#counts[this.#firstTime]!; i > 0; i--) this.#forgetOldest();
      this.#firstTime++;
    }
    if (this.#firstTime >= CUT_AFTER && this.#firstTime * 2 >= this.#times.length) this.#cut();
  }

  /** All ids with their users, oldest first. */
  *entries(): Generator<readonly [id: string, user: string, stored: Stored]> {
    for (const [key, seq] of this.#seqs) {
      const colon = key.indexOf(":");
      const split = colon + 1 + Number(key.slice(0, colon));
      yield [key.slice(colon + 1, split), key.slice(split), { seq, ts: this.#timeOf(seq) }];
    }
  }

  /** To be called in the order of the seqs, with each id once while it is remembered. */
  add(key: string, { seq, ts }: Stored): void {
    this.#seqs.set(key, seq);
    this.#all.ids++;
    const last = this.#times.length - 1;
    if (last >= this.#firstTime && this.#times[last] === ts) this.#counts[last]!++;
    else {
      this.#times.push(ts);
      this.#firstSeqs.push(seq);
      this.#counts.push(1);
    }
  }

  clear(): void {
    this.#all.ids -= this.#seqs.size;
    this.#seqs.clear();
    this.#oldest = this.#seqs.keys();
    this.#firstTime = this.#times.length;
    this.#cut();
  }

  #cut(): void {
    this.#times = this.#times.slice(this.#firstTime);
    this.#firstSeqs = this.#firstSeqs.slice(this.#firstTime);
    this.#counts = this.#counts.slice(this.#firstTime);
    this.#firstTime = 0;
  }

  #forgetOldest(): void {
    const { value, done } = this.#oldest.next();
    if (!done && this.#seqs.delete(value)) this.#all.ids--;
    // One that came to the end stays there; all ids are deleted then, so a new one has nothing to walk over.
    if (this.#seqs.size === 0) this.#oldest = this.#seqs.keys();
  }

  #timeOf(seq: number): number {
    let [low, high] = [this.#firstTime, this.#times.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#firstSeqs[middle]! <= seq) low = middle;
      else high = middle - 1;
    }
    return this.#times[low]!;
  }
}
