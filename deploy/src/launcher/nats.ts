/** The launcher's own connections to the bus: as patient as it is itself, and no longer. */
import { setTimeout as pause } from "node:timers/promises";
import { connectNats, type Logger, type NatsConnection } from "@plexus/runtime";

const RETRY_WAIT_MS = 200;

/** Tries until the server takes it; undefined where it was stopped first. */
export async function connectUnless(
  stopped: AbortSignal,
  url: string,
  log: Logger,
  seedFile?: string,
): Promise<NatsConnection | undefined> {
  while (!stopped.aborted) {
    const nats = await connectNats(url, "launcher", log, seedFile, { waits: false }).catch(() => undefined);
    if (nats !== undefined && !stopped.aborted) return nats;
    await nats?.close();
    await pause(RETRY_WAIT_MS, undefined, { signal: stopped }).catch(() => undefined);
  }
  return undefined;
}
