/**
 * A circuit breaker: whoever depends on something that no longer answers is told so at once, instead of waiting for a
 * deadline with every call; pure. After so many failures in a row it opens. While it is open one call is let through
 * now and then, further and further apart, and the first success closes it. (After Michael Nygard, "Release It!")
 */
import { PlexusError } from "@plexus/protocol";

export interface BreakerOptions {
  /** Failures in a row after which it opens. */
  failures: number;
  /** Milliseconds from opening to the first call that is let through; twice as long after each one that fails … */
  firstWaitMs: number;
  /** … up to this. */
  maxWaitMs: number;
  /** A call that was let through and tells nothing by then does not keep the next one out. */
  probeMs: number;
  random: () => number;
  /** Told when it opens, and when it closes. */
  onChange: (isOpen: boolean) => void;
}

export const BREAKER_DEFAULTS: BreakerOptions = {
  failures: 3,
  firstWaitMs: 250,
  maxWaitMs: 2_000,
  probeMs: 3_000,
  random: Math.random,
  onChange: () => undefined,
};

export class Breaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  /** While it is open: when the next call may pass, and how long it was to wait for that. */
  #open: { nextAt: number; waitMs: number; probing: boolean } | null = null;

  constructor(options: Partial<BreakerOptions> = {}) {
    this.#options = { ...BREAKER_DEFAULTS, ...options };
  }

  /** Whether a call would be refused now. */
  isOpen(now: number): boolean {
    return this.#open !== null && now < this.#open.nextAt;
  }

  /** Whether a call may be made now; its outcome has to be told. */
  tryPass(now: number): boolean {
    if (this.#open === null) return true;
    if (now < this.#open.nextAt) return false;
    this.#open.probing = true;
    this.#open.nextAt = now + this.#options.probeMs;
    return true;
  }

  /** The dependency answered, whatever it said. */
  succeeded(): void {
    this.#failures = 0;
    if (this.#open === null) return;
    this.#open = null;
    this.#options.onChange(false);
  }

  /** It did not answer. */
  failed(now: number): void {
    const { failures, firstWaitMs, maxWaitMs } = this.#options;
    if (this.#open === null) {
      if (++this.#failures < failures) return;
      this.#wait(firstWaitMs, now);
      this.#options.onChange(true);
      // Calls from before it opened may fail later: they say nothing new.
    } else if (this.#open.probing) this.#wait(Math.min(maxWaitMs, this.#open.waitMs * 2), now);
  }

  /** Half of the wait is random: not everybody who depends on it comes back at once. */
  #wait(waitMs: number, now: number): void {
    const nextAt = now + waitMs * (0.5 + this.#options.random() / 2);
    this.#open = { nextAt, waitMs, probing: false };
  }
}

/**
 * Makes a call if the breaker lets it pass, and tells the breaker how it ended; otherwise rejects with `unavailable`
 * at once. `isAnswer`: whether an error came from the dependency itself, which then is there.
 */
export async function through<T>(
  breaker: Breaker,
  what: string,
  call: () => Promise<T>,
  isAnswer: (error: unknown) => boolean = () => false,
): Promise<T> {
  if (!breaker.tryPass(performance.now())) throw away(what);
  try {
    const answer = await call();
    breaker.succeeded();
    return answer;
  } catch (error) {
    if (isAnswer(error)) breaker.succeeded();
    else breaker.failed(performance.now());
    throw error;
  }
}

/** What is said instead of making a call that a breaker did not let pass. */
export function away(what: string): PlexusError {
  return new PlexusError("unavailable", `${what} is away`, { retry: 1_000 });
}
