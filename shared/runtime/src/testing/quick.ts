/**
 * What a machine can be too slow for, because others work on it: it is tried until the machine was quick enough for it to
 * count, and what is found wrong then is a finding.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

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
  const startedAt = performance.now();
  const stalls = await stallsDuring(task);
  const tookMs = Math.round(performance.now() - startedAt);
  if (tookMs < withinMs) return true;
  const { lateMs, waitedMs } = stalls;
  assert.ok(
    isStall(stalls, tookMs - withinMs),
    `${what} took ${tookMs} ms; timers were late by ${lateMs} ms, processes waited ${waitedMs} ms for the machine`,
  );
  return false;
}

/**
 * Whether the machine stalled while the task ran, so that what the task found too late, or a deadline that passed in it,
 * tells of the machine.
 *
 * @param byMs the shortest stall that can have been the reason
 */
export async function stalledDuring(byMs: number, task: () => Promise<unknown>): Promise<boolean> {
  return isStall(await stallsDuring(task), byMs);
}

interface Stalls {
  /** The longest that a timer of this process was late. */
  readonly lateMs: number;
  /** For how long altogether some process of the machine waited for a processor or for its disk. */
  readonly waitedMs: number;
}

/**
 * Where this process ran on, another one that the task needs may have been held up, but for no longer than some process
 * waited: a busy machine does not excuse what was later than that.
 */
function isStall({ lateMs, waitedMs }: Stalls, byMs: number): boolean {
  return lateMs >= STALL_MS || waitedMs >= Math.max(STALL_MS, byMs);
}

async function stallsDuring(task: () => Promise<unknown>): Promise<Stalls> {
  const waitedBeforeMs = waitedMs();
  const timers = watchTimers();
  await task().finally(timers.stop);
  return { lateMs: timers.longestMs(), waitedMs: Math.round(waitedMs() - waitedBeforeMs) };
}

/** Since the machine was started; always 0 where the system does not say it, as only Linux does. */
function waitedMs(): number {
  let totalUs = 0;
  for (const of of ["cpu", "io"])
    try {
      totalUs += Number(
        /^some .* total=(\d+)$/m.exec(readFileSync(`/proc/pressure/${of}`, "latin1"))?.[1] ?? 0,
      );
    } catch {
      return 0;
    }
  return totalUs / 1_000;
}

function watchTimers(): { stop(): void; longestMs(): number } {
  let dueAt = performance.now() + TICK_MS;
  let longestMs = 0;
  const look = () => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - dueAt);
    dueAt = now + TICK_MS;
  };
  const timer = setInterval(look, TICK_MS);
  const stop = () => {
    clearInterval(timer);
    look();
  };
  return { stop, longestMs: () => Math.round(longestMs) };
}
