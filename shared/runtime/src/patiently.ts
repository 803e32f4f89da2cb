import { PlexusError } from "@plexus/protocol";
import type { Logger } from "./log.js";
import { backoffMs } from "./retry.js";

const PATIENCE_MS = 30_000;
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 2_000;

/**
 * Does what a process needs done before it can serve, again and again for half a minute: its brokers may start, or
 * come back, at the same time. What was refused with a typed error is not asked for again.
 *
 * @param task must leave nothing behind where it fails
 */
export async function patiently<T>(what: string, task: () => Promise<T>, log: Logger): Promise<T> {
  const givesUpAt = performance.now() + PATIENCE_MS;
  for (let attempt = 0; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (error instanceof PlexusError || performance.now() > givesUpAt) throw error;
      log.warn({ err: error, what }, "not there yet, trying again");
      await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, FIRST_WAIT_MS, MAX_WAIT_MS)));
    }
  }
}
