/** How much one connection may do per second. Pure: time is an argument. */
import type { ClientFrame } from "@plexus/protocol";
import { type BucketRate, TokenBucket } from "@plexus/runtime";

export type RateKind = "frames" | "publishes" | "signals" | "subscriptions" | "reads";
export type ConnectionRates = Readonly<Record<RateKind, BucketRate>>;

/** What each frame counts as, beside being a frame; publishes are counted where they are put in order. */
export const RATE_OF: Readonly<Partial<Record<ClientFrame["op"], RateKind>>> = {
  signal: "signals",
  state: "signals",
  sub: "subscriptions",
  unsub: "subscriptions",
  history: "reads",
  presence: "reads",
  // Checking a signature costs more than any other frame.
  auth: "reads",
};

/**
 * Refusals before a connection is closed. Who waits as long as it is told comes nowhere near: a client's unanswered
 * requests may be refused all at once, and then about as often as others are let in, which is 5,000 times a second at
 * most unless a connection's rates are raised.
 */
const REFUSALS: BucketRate = { perSecond: 5_000, burst: 20_000 };

/** What one connection has used of its rates. A bucket is made when it is needed, and forgotten when it is full again. */
export class ConnectionUsage {
  #buckets: Map<RateKind, TokenBucket> | null = null;
  #refusals: TokenBucket | undefined;

  /** Counts one of a kind. 0: it is allowed; else the milliseconds after which to try again. */
  take(kind: RateKind, rates: ConnectionRates, now: number): number {
    const rate = rates[kind];
    return this.#bucket(kind, rate, now).take(rate, now);
  }

  /** When one may come that has to wait in any case; see {@link TokenBucket.turn}. */
  turn(kind: RateKind, rates: ConnectionRates, now: number): number {
    return this.#bucket(kind, rates[kind], now).turn(rates[kind], now);
  }

  /** Counts a refusal; true once there were so many that nobody heeds them. */
  countRefusal(now: number): boolean {
    this.#refusals ??= new TokenBucket(REFUSALS, now);
    return this.#refusals.take(REFUSALS, now) > 0;
  }

  /** Forgets what makes no difference any more. */
  rest(rates: ConnectionRates, now: number): void {
    if (this.#buckets === null) return;
    for (const [kind, bucket] of this.#buckets) if (!bucket.isUnused(rates[kind], now)) return;
    this.#buckets = null;
  }

  #bucket(kind: RateKind, rate: BucketRate, now: number): TokenBucket {
    this.#buckets ??= new Map();
    const known = this.#buckets.get(kind);
    if (known !== undefined) return known;
    const bucket = new TokenBucket(rate, now);
    this.#buckets.set(kind, bucket);
    return bucket;
  }
}
