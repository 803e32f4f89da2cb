/**
 * Questions to a log of which hundreds make one answer. One that gets none is asked again for a while: to give up would be
 * to begin anew with all of them, and a log that is short of time, asked the same again and again, never gets to the end.
 */
import { PlexusError } from "@plexus/protocol";
import { backoffMs } from "@plexus/runtime";
import type { ChannelLog } from "./log.js";

export type Reading = Pick<ChannelLog, "next" | "read">;

/** With the last question's deadline that is less than a gateway waits for a publish. */
const PERSIST_MS = 5_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 1_000;

/** Fails once a question has had no answer for so long. */
export function persistent(log: Reading, forMs = PERSIST_MS): Reading {
  return {
    next: (...args) => persist(() => log.next(...args), forMs),
    read: (...args) => persist(() => log.read(...args), forMs),
  };
}

async function persist<T>(ask: () => Promise<T>, forMs: number): Promise<T> {
  let failedAt: number | undefined;
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const now = performance.now();
      failedAt ??= now;
      const pauseMs = backoffMs(attempt, FIRST_PAUSE_MS, MAX_PAUSE_MS);
      const mayPass = error instanceof PlexusError && error.code === "unavailable";
      if (!mayPass || now + pauseMs - failedAt > forMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
