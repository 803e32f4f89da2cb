/** When the log of a channel that is written to is due for trimming. */

/** When this share of what retention keeps was added, and not before so many messages. */
const SHARE = 0.1;
const LEAST = 1_000;
/** Nor again so soon: the window's ids are in the log for minutes, so that little more could go. */
const PAUSE_MS = 10_000;
/** By age, this often at most. */
const INTERVAL_MS = 60_000;

export class TrimPace {
  #added = 0;
  #lastAt: number;

  /** @param now by a clock that is never put back, here and later */
  constructor(now: number) {
    this.#lastAt = now;
  }

  /** So many messages more were stored. Whether the log is to be trimmed now, which counts as done. */
  isDue(added: number, keptMessages: number, now: number): boolean {
    this.#added += added;
    const many = this.#added >= Math.max(LEAST, keptMessages * SHARE);
    if (now - this.#lastAt <= (many ? PAUSE_MS : INTERVAL_MS)) return false;
    this.#added = 0;
    this.#lastAt = now;
    return true;
  }
}
