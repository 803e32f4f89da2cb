/** How long background work that fails is tried again before it waits for an operator. Pure: time is an argument. */
export class Patience {
  readonly #limitMs: number;
  /** Since when nothing has succeeded, and how much had been done by then; null while nothing fails. */
  #since: { at: number; done: number } | null = null;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Takes note of a failure, after `done` pieces of work in all. True once there was no progress for too long. */
  failed(now: number, done: number): boolean {
    if (this.#since === null || done > this.#since.done) this.#since = { at: now, done };
    return now - this.#since.at >= this.#limitMs;
  }

  /** It works, or is to be tried as if it were new. */
  renew(): void {
    this.#since = null;
  }
}
