/**
 * Whether a cell that was given up is gone together with its log. What is opened without the past stays without it, so a
 * moment in which the log can't be reached proves nothing: the cell may be coming back, the hub in between may be away.
 */

/** For so long a log must not have answered, whoever asked for it, … */
export const GONE_AFTER_MS = 3_000;
/** … with no longer pause between two tries than this: afterwards counting begins anew. */
const PAUSE_MS = 10_000;

interface Failures {
  readonly since: number;
  last: number;
}

export class GoneCells {
  readonly #reachesHub: () => Promise<boolean>;
  /** Cells are few, and those that are down fewer. */
  readonly #failures = new Map<string, Failures>();
  #asking: Promise<boolean> | undefined;

  /** @param reachesHub whether this process is in touch with what lies between the cells */
  constructor(reachesHub: () => Promise<boolean>) {
    this.#reachesHub = reachesHub;
  }

  /** A log has answered: whatever failed before was a moment. */
  answered(cell: string): void {
    this.#failures.delete(cell);
  }

  /** To be asked whenever the log of a cell that is down could not be reached; `now` of a clock that does not jump. */
  async isGone(cell: string, now: number): Promise<boolean> {
    this.#asking ??= this.#reachesHub().finally(() => {
      this.#asking = undefined;
    });
    if (!(await this.#asking)) {
      this.#failures.delete(cell);
      return false;
    }
    let failures = this.#failures.get(cell);
    if (failures === undefined || now - failures.last > PAUSE_MS) {
      failures = { since: now, last: now };
      this.#failures.set(cell, failures);
    }
    failures.last = now;
    return now - failures.since >= GONE_AFTER_MS;
  }
}
