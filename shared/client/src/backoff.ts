import type { Random } from "./clock.js";
import type { Tuning } from "./options.js";

export type BackoffOptions = Pick<Tuning, "backoffBaseMs" | "backoffMaxMs">;

/**
 * Exponential backoff with full jitter: the delay is drawn from 0 to a ceiling that doubles with every
 * failure. Drawing from the whole interval is what spreads a crowd that was cut off at one moment ("Exponential
 * Backoff and Jitter", AWS Architecture Blog, 2015).
 */
function fullJitter(failures: number, options: BackoffOptions, random: Random): number {
  // 2 ** 30 is far beyond any ratio of the two; the bound keeps the power finite after weeks of failures.
  const ceiling = options.backoffBaseMs * 2 ** Math.min(failures, 30);
  return Math.round(random() * Math.min(options.backoffMaxMs, ceiling));
}

/**
 * How long to wait before a question is asked again after `failures` failures. Where the gateway names a time, a
 * little on top of it is enough to spread a crowd.
 */
export function retryDelay(
  failures: number,
  hintMs: number | undefined,
  options: BackoffOptions,
  random: Random,
): number {
  const jitterMs = fullJitter(failures, options, random);
  return hintMs === undefined ? jitterMs : hintMs + Math.min(jitterMs, Math.round(hintMs / 4));
}

/** The delays between attempts to connect. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #failures = 0;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** Failures in a row so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts one failure and returns how long to wait, milliseconds; never less than `leastMs`. */
  next(leastMs = 0): number {
    const delayMs = leastMs + fullJitter(this.#failures, this.#options, this.#random);
    this.#failures += 1;
    return delayMs;
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** A delay at random from `min` to `max`, as the `bye` frame asks for it. */
export function spread(range: { min: number; max: number }, random: Random): number {
  return Math.round(range.min + random() * Math.max(0, range.max - range.min));
}
