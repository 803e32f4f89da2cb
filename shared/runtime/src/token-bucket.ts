/** How fast tokens come, and how many there are at most. */
export interface BucketRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Nobody is told to come back later than this, milliseconds. */
export const MAX_RETRY_MS = 10_000;
/** So many seconds' worth of tokens is the deepest debt: what goes beyond is forgiven, so that nobody is shut out for days. */
export const MAX_DEBT_S = 60;
/** What adding up fractions may lose of a token, or add to a time. */
const ROUNDING = 1e-6;

/**
 * A token bucket. Pure: time is an argument (milliseconds of any clock that does not go backwards), and so is the
 * rate, which may differ from call to call.
 *
 * Those that are refused are told to come back one after the other, at the pace at which tokens come: a crowd that was
 * refused at one moment does not come back at one moment.
 */
export class TokenBucket {
  #tokens: number;
  #at: number;
  /** When the last one that was refused was told to come back. */
  #lastTurnAt = Number.NEGATIVE_INFINITY;

  /** It is full. */
  constructor({ burst }: BucketRate, now: number) {
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes a token and returns 0; where there is none, the milliseconds after which to try again (at least 1). */
  take(rate: BucketRate, now: number): number {
    this.#refill(rate, now);
    if (this.#tokens < 1 - ROUNDING) return this.#turn(1, rate, now);
    this.#tokens -= 1;
    return 0;
  }

  /** When to come, for one that may not have a token now, whether there is one or not: after those told before. */
  turn(rate: BucketRate, now: number): number {
    this.#refill(rate, now);
    return this.#turn(1, rate, now);
  }

  /** Takes `count` tokens for what has happened already, into debt where there are not so many. */
  charge(count: number, rate: BucketRate, now: number): void {
    this.#refill(rate, now);
    this.#tokens = Math.max(this.#tokens - count, -MAX_DEBT_S * rate.perSecond);
  }

  /** 0 unless the bucket is in debt; else the milliseconds after which to try again (at least 1). */
  inDebt(rate: BucketRate, now: number): number {
    this.#refill(rate, now);
    return this.#tokens > -ROUNDING ? 0 : this.#turn(0, rate, now);
  }

  /** How much is there; less than 0 is debt. */
  tokens(rate: BucketRate, now: number): number {
    this.#refill(rate, now);
    return this.#tokens;
  }

  /** Whether a new one would answer as this one does. */
  isUnused(rate: BucketRate, now: number): boolean {
    return this.tokens(rate, now) >= rate.burst && this.#lastTurnAt + 1_000 / rate.perSecond <= now;
  }

  #refill({ perSecond, burst }: BucketRate, now: number): void {
    if (now > this.#at) {
      this.#tokens += ((now - this.#at) * perSecond) / 1_000;
      this.#at = now;
    }
    if (this.#tokens > burst) this.#tokens = burst;
  }

  #turn(wanted: number, { perSecond }: BucketRate, now: number): number {
    const dueAt = now + Math.max(0, ((wanted - this.#tokens) * 1_000) / perSecond);
    const turnAt = Math.max(dueAt, this.#lastTurnAt + 1_000 / perSecond);
    this.#lastTurnAt = Math.min(turnAt, now + MAX_RETRY_MS);
    return Math.max(1, Math.ceil(this.#lastTurnAt - now - ROUNDING));
  }
}
