/** Waiting for conditions. Every wait has a deadline that only a broken program reaches, and says what it waited for. */
import { setTimeout as pause } from "node:timers/promises";

const POLL_EVERY_MS = 20;
export const DEADLINE_MS = 20_000;

/**
 * Asks again and again until the answer is neither false nor undefined, and returns it.
 *
 * @param what for the error, as in "the worker to be gone"
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<Exclude<T, false | undefined>> {
  const deadlineAt = performance.now() + deadlineMs;
  for (;;) {
    const answer = await condition();
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
    if (performance.now() > deadlineAt) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await pause(POLL_EVERY_MS);
  }
}

/** The promise's value, or an error that says what did not come in time. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms in vain for ${what}`)), deadlineMs);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Whether the condition holds all the time; for what must not happen. */
export async function staysTrue(condition: () => boolean, forMs: number): Promise<boolean> {
  const endAt = performance.now() + forMs;
  while (performance.now() < endAt) {
    if (!condition()) return false;
    await pause(POLL_EVERY_MS);
  }
  return condition();
}

/** The same promise, but for one that rejects as soon as the signal is aborted. */
export function unlessAborted<T>(task: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return task;
  const aborted = new Promise<never>((_, reject) => {
    const interrupted = () => reject(new Error("interrupted"));
    if (signal.aborted) interrupted();
    else signal.addEventListener("abort", interrupted, { once: true });
  });
  return Promise.race([task, aborted]);
}
