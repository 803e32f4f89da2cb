/**
 * What a machine can be too slow for, because others work on it: it is tried until the machine was quick enough for it to
 * count, and what is found wrong then is a finding.
 */
import assert from "node:assert/strict";

/** Machines that are quick enough once in so many attempts are quick enough. */
const ATTEMPTS = 20;
const TICK_MS = 10;
/** A timer that is late by so much tells of a machine that had no processor to spare: an idle one's is late by one or two. */
const STALL_MS = 40;

/**
 * Plays a scenario again and again until it resolves with true, which is that the machine was quick enough for it to
 * count. What it finds wrong, it throws.
 *
 * @param what for the error, as in "a publish to be sent in time"
 */
export async function untilQuick(
  what: string,
  scenario: (attempt: number) => Promise<boolean>,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) if (await scenario(attempt)) return;
  throw new Error(`this machine was too slow ${ATTEMPTS} times for ${what}`);
}

/**
 * Whether what is promised within a time was there by then. Fails where it was not on a machine that did not stall
 * meanwhile; where it did, the answer is no, and it is worth another try ({@link untilQuick}).
 */
export async function inTime(what: string, withinMs: number, task: () => Promise<unknown>): Promise<boolean> {
  const stop = watchStalls();
  const startedAt = performance.now();
  await task().catch((error: unknown) => {
    stop();
    throw error;
  });
  const tookMs = Math.round(performance.now() - startedAt);
  const stalledMs = Math.round(stop());
  if (tookMs < withinMs) return true;
  assert.ok(
    stalledMs >= STALL_MS,
    `${what} took ${tookMs} ms, and the machine was never late by ${STALL_MS}`,
  );
  return false;
}

/** Returns what ends the watch, and gives the longest that a timer was late, milliseconds. */
function watchStalls(): () => number {
  let dueAt = performance.now() + TICK_MS;
  let longestMs = 0;
  const look = () => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - dueAt);
    dueAt = now + TICK_MS;
  };
  const timer = setInterval(look, TICK_MS);
  return () => {
    clearInterval(timer);
    look();
    return longestMs;
  };
}
