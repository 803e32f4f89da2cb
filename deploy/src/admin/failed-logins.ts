/** Tokens that were wrong, by address: who guesses is made to wait. Pure: time is an argument. */
import { networkOf, TokenBucket } from "@plexus/runtime";

/** Wrong tokens of one address: at once, and per second (20 a minute). */
const RATE = { burst: 20, perSecond: 20 / 60 };
/** Addresses that are remembered; beyond it whoever was wrong longest ago is forgotten. */
const MAX_ADDRESSES = 10_000;

export class FailedLogins {
  readonly #buckets = new Map<string, TokenBucket>();

  /** 0 where a token may be tried; else the milliseconds after which one may be. */
  waitMs(address: string, now: number): number {
    const bucket = this.#buckets.get(networkOf(address));
    if (bucket === undefined) return 0;
    const missing = 1 - bucket.tokens(RATE, now);
    return missing <= 0 ? 0 : Math.ceil((missing / RATE.perSecond) * 1_000);
  }

  /** Counts a wrong token. */
  count(address: string, now: number): void {
    const key = networkOf(address);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(RATE, now);
    // To the end: the first one is whose last mistake lies back longest.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    bucket.take(RATE, now);
    if (this.#buckets.size <= MAX_ADDRESSES) return;
    const [oldest] = this.#buckets.keys();
    this.#buckets.delete(oldest!);
  }

  get size(): number {
    return this.#buckets.size;
  }
}
