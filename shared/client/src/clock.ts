/** Time and randomness, as arguments. The defaults are the platform's; tests bring their own. */

export type TimerHandle = unknown;

export interface Clock {
  /** Milliseconds since 1970. Used for timeouts and display, never for order. */
  now(): number;
  setTimeout(run: () => void, delayMs: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
}

/** A number in [0, 1), as `Math.random` gives it. */
export type Random = () => number;

/** The longest delay a platform timer takes; longer ones would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, delayMs) => setTimeout(run, Math.min(delayMs, MAX_TIMER_MS)),
  clearTimeout: (handle) => clearTimeout(handle as Parameters<typeof clearTimeout>[0]),
};

/** One timer that is set again and again; setting it forgets what was set before. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #handle: TimerHandle;
  #at: number | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `at` (milliseconds since 1970); `undefined` clears it. */
  set(at: number | undefined): void {
    if (at === this.#at) return;
    this.clear();
    if (at === undefined) return;
    this.#at = at;
    this.#handle = this.#clock.setTimeout(
      () => {
        this.#at = undefined;
        this.#ring();
      },
      Math.max(0, at - this.#clock.now()),
    );
  }

  /** Like {@link set}, but only where that is earlier than what is set already. */
  advance(at: number): void {
    if (this.#at === undefined || at < this.#at) this.set(at);
  }

  clear(): void {
    if (this.#at !== undefined) this.#clock.clearTimeout(this.#handle);
    this.#at = undefined;
  }
}

const ID_ALPHABET = "0123456789abcdefghijklmnopqrstuv";

/**
 * Makes message ids: a random part per client, then a counter. `crypto.randomUUID` is missing in browsers
 * on plain http pages, `getRandomValues` is not.
 */
export function idMaker(): () => string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const prefix = Array.from(bytes, (byte) => ID_ALPHABET[byte & 31]).join("");
  let made = 0;
  return () => `${prefix}-${(++made).toString(36)}`;
}
