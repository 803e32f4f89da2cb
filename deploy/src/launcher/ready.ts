import { get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const POLL_EVERY_MS = 100;
const ANSWER_DEADLINE_MS = 3_000;

/**
 * Asks again and again until the answer is yes. Rejects when the signal is aborted.
 */
export async function until(ask: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (await ask()) return;
    await pause(POLL_EVERY_MS, undefined, { signal });
  }
}

/** Whether a process says that everything it depends on answers. */
export function isReady(opsUrl: string): Promise<boolean> {
  return new Promise((resolve) => {
    // No agent: a kept-alive connection would keep this process alive, and a restarted child is another one.
    const request = get(`${opsUrl}/readyz`, { agent: false, timeout: ANSWER_DEADLINE_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("timeout", () => request.destroy(new Error("no answer in time")));
    request.once("error", () => resolve(false));
  });
}
