/** How long a test waits for something that must happen. */
export const DEADLINE_MS = 10_000;

/**
 * Waits until `holds` gives something other than false, null or undefined, and returns that. Rejects, naming
 * `what` was waited for, once the deadline has passed; a `holds` that throws counts as not yet.
 */
export async function until<T>(
  what: string,
  holds: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<T>> {
  const deadlineAt = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await holds();
      if (value !== false && value !== null && value !== undefined) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadlineAt)
      throw new Error(
        `not within ${deadlineMs} ms: ${what}`,
        last === undefined ? undefined : { cause: last },
      );
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A promise that is settled from outside. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
