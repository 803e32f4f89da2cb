/** Whether the admin API answers, and when it is asked again if it does not. Pure. */

const FIRST_RETRY_MS = 500;
/** A console left open must not be a burden to an API that comes back. */
const MAX_RETRY_MS = 15_000;

export interface Link {
  readonly state: "connecting" | "live" | "away";
  /** When it answered last. */
  readonly heardAt: number | null;
  /** In a row. */
  readonly failures: number;
  readonly retryAt: number | null;
  readonly problem: string | null;
}

export const FIRST_LINK: Link = {
  state: "connecting",
  heardAt: null,
  failures: 0,
  retryAt: null,
  problem: null,
};

export function heard(now: number): Link {
  return { state: "live", heardAt: now, failures: 0, retryAt: null, problem: null };
}

/**
 * @param random from 0 to 1: consoles that lost the same API don't come back at once
 * @param waitMs what the API itself asked for, if it did
 */
export function failed(link: Link, now: number, problem: string, random: number, waitMs = 0): Link {
  const failures = link.failures + 1;
  const retryAt = now + Math.max(waitMs, retryDelayMs(failures, random));
  return { ...link, state: "away", failures, retryAt, problem };
}

/** Doubles with each failure, and is somewhere in the upper half of that. */
export function retryDelayMs(failures: number, random: number): number {
  const most = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  return most * (0.5 + random / 2);
}
