/**
 * How soon something may be asked that brought nothing the last times; pure. The first question goes at once, each
 * one that brings nothing doubles the wait for the next, and one that helps, or a while without any, ends that.
 */
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 3_200;
/** So long after the last vain question the next one goes at once again. */
const FORGET_MS = 10_000;

export class Pace {
  #vain = 0;
  #lastVainAt = 0;

  /** Milliseconds until the next question may go; 0: now. */
  waitMs(now: number): number {
    if (this.#vain === 0 || now - this.#lastVainAt > FORGET_MS) return 0;
    const wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#vain - 1));
    return Math.max(0, this.#lastVainAt + wait - now);
  }

  /** The question brought nothing. */
  vain(now: number): void {
    if (now - this.#lastVainAt > FORGET_MS) this.#vain = 0;
    this.#vain++;
    this.#lastVainAt = now;
  }

  helped(): void {
    this.#vain = 0;
  }
}
