/** How long to wait before something is tried again; pure. Part of each wait is random, so that nobody marches in step. */

/** Twice as long after each attempt (the first one is 0), up to a bound; half of it is random. */
export function backoffMs(attempt: number, firstMs: number, maxMs: number, random = Math.random): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30)) * (0.5 + random() / 2);
}

/** The same wait each time, give or take a quarter. */
export function jitteredMs(ms: number, random = Math.random): number {
  return ms * (0.75 + random() / 2);
}
