/** When a child that died is started again. Pure: the time it lived is an argument. */

/** First pause; short, since the usual cause is a kill and not a fault that comes back. */
const FIRST_DELAY_MS = 200;
/** Longest pause; a child that can't start must neither fill the log nor be forgotten. */
const LONGEST_DELAY_MS = 10_000;
/** A child that lived this long is counted as healthy, and its next death as its first. */
const HEALTHY_AFTER_MS = 30_000;

export interface Restart {
  /** Deaths in a row, this one included; to be passed in again at the next death. */
  deaths: number;
  /** How long to wait before the child is started again. */
  delayMs: number;
}

/**
 * @param deathsBefore deaths in a row before this one
 * @param aliveMs how long the child lived this time
 */
export function nextRestart(deathsBefore: number, aliveMs: number): Restart {
  const deaths = aliveMs >= HEALTHY_AFTER_MS ? 1 : deathsBefore + 1;
  return { deaths, delayMs: Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (deaths - 1)) };
}
