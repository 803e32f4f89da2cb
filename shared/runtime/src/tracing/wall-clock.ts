/** Two looks at the clocks that are closer than this show a millisecond's beginning well enough. */
const CLOSE_MS = 0.03;
/** A process that is not let run in peace looks no longer than that. */
const PATIENCE_MS = 5;

export interface Clocks {
  /** Whole milliseconds since 1970. */
  wall(): number;
  /** Milliseconds with fractions, from any beginning. */
  monotonic(): number;
}

/**
 * Times of the monotonic clock as milliseconds since 1970, with fractions: good to some hundredths of a millisecond, so
 * that spans of processes on one machine can be compared. `performance.timeOrigin` would not do: it is read once, ahead by
 * as long as the process was interrupted meanwhile (milliseconds on a busy machine), and knows nothing of a wall clock
 * that is set later.
 *
 * The offset between the clocks is found as OpenTelemetry's anchored clocks do it, but at the moment at which a
 * millisecond begins, since Node's wall clock tells no fractions.
 */
export class WallClock {
  readonly #clocks: Clocks;
  #offsetMs: number;

  constructor(clocks: Clocks = { wall: () => Date.now(), monotonic: () => performance.now() }) {
    this.#clocks = clocks;
    this.#offsetMs = this.#anchor();
  }

  /** Milliseconds since 1970 of a time by the monotonic clock. */
  at(monotonicMs: number): number {
    return this.#offsetMs + monotonicMs;
  }

  /** Finds out whether the wall clock has been set. To be called now and then; takes a millisecond if so. */
  check(): void {
    const seen = this.#look();
    if (seen > this.#offsetMs || seen <= this.#offsetMs - 1) this.#offsetMs = Math.max(seen, this.#anchor());
  }

  /** At most the offset: less by the fraction that the wall clock leaves out, and by any pause between the two looks. */
  #look(): number {
    const wall = this.#clocks.wall();
    return wall - this.#clocks.monotonic();
  }

  /** Looks until a millisecond begins between two looks at the wall clock that are close to each other. */
  #anchor(): number {
    const { wall, monotonic } = this.#clocks;
    let before = monotonic();
    const until = before + PATIENCE_MS;
    let [last, lastAt] = [wall(), monotonic()];
    let best = last - lastAt;
    while (lastAt < until) {
      const [now, at] = [wall(), monotonic()];
      best = Math.max(best, now - at);
      if (now !== last && at - before < CLOSE_MS) break;
      [before, last, lastAt] = [lastAt, now, at];
    }
    return best;
  }
}
