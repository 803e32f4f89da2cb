/**
 * How long things took, as counts in buckets that grow by a fixed factor: what several processes counted is merged by
 * adding, so that a quantile over all of them is one of all that happened, and never a mean of quantiles. (The idea of
 * HdrHistogram, and of Prometheus' native histograms.)
 */

/** Everything up to here is one bucket, milliseconds. */
const FIRST_MS = 0.05;
/** Buckets for each doubling: a quantile is at most a fifth (2^(1/4)) above the truth. */
const PER_DOUBLING = 4;
/** Up to about 100 s; what took longer is in the last one. */
const BUCKETS = 85;

/** Numbers of buckets and their counts in turn, as one process tells another. */
export type LatencyCounts = readonly number[];

export class Latencies {
  readonly #counts = new Float64Array(BUCKETS);

  /** `count` things took so long each. */
  add(ms: number, count = 1): void {
    this.#counts[bucketOf(ms)]! += count;
  }

  /** Adds what another process has counted; of buckets that it can't have nothing is taken. */
  addAll(counts: LatencyCounts): void {
    for (let i = 0; i + 1 < counts.length; i += 2) {
      const bucket = counts[i]!;
      if (Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKETS)
        this.#counts[bucket]! += counts[i + 1]!;
    }
  }

  /** What was counted since the last time, for others. */
  take(): LatencyCounts {
    const counts: number[] = [];
    for (let i = 0; i < BUCKETS; i++) if (this.#counts[i]! > 0) counts.push(i, this.#counts[i]!);
    this.#counts.fill(0);
    return counts;
  }

  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** The time within which this part of them (0 to 1) was done, rounded up to the end of its bucket; null of nothing. */
  quantile(part: number): number | null {
    const { total } = this;
    if (total === 0) return null;
    const wanted = Math.max(1, Math.ceil(part * total));
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#counts[i]!;
      if (seen >= wanted) return FIRST_MS * 2 ** (i / PER_DOUBLING);
    }
    return null;
  }
}

function bucketOf(ms: number): number {
  if (!(ms > FIRST_MS)) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log2(ms / FIRST_MS) * PER_DOUBLING));
}
