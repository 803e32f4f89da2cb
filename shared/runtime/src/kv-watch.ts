import type { KV, KvEntry, KvWatchEntry } from "@nats-io/kv";
import type { Logger } from "./log.js";
import { type NatsConnection, onReconnect, onServersChange } from "./nats.js";
import { jitteredMs } from "./retry.js";

const RETRY_WAIT_MS = 500;
/** To read a bucket as a process starts; a server that goes away while it is read may say nothing more. */
const READ_WITHIN_MS = 10_000;

export interface BucketWatch {
  readonly nats: NatsConnection;
  readonly kv: KV;
  /** Names the bucket in logs. */
  readonly what: string;
  readonly log: Logger;
  readonly take: (entry: KvWatchEntry) => void;
  /** All keys where it is left out. */
  readonly key?: string;
}

/**
 * Watches a bucket, or one key of it, until the returned function is called: a watch that ends is begun anew, with what
 * is stored by then. So it is when the connection is back after a loss, or a server of the cluster has gone, where the
 * library would wait more than a minute for heartbeats that do not come. An entry that can't be taken is logged, and
 * stays what it was for whoever watches.
 */
export function watchBucket({ nats, kv, what, log, take, key }: BucketWatch): () => void {
  let stopped = false;
  let end: () => void = () => undefined;
  const takeOne = (entry: KvWatchEntry) => {
    try {
      take(entry);
    } catch (error) {
      log.error({ err: error, key: entry.key }, `${what}: malformed entry`);
    }
  };
  const watchOnce = async () => {
    let isOutdated = false;
    end = () => {
      isOutdated = true;
    };
    const watch = await kv.watch(key === undefined ? {} : { key });
    end = () => watch.stop();
    if (isOutdated || stopped) end();
    for await (const entry of watch) takeOne(entry);
  };
  const beginAnew = () => end();
  const forgets = [onReconnect(nats, beginAnew), onServersChange(nats, beginAnew)];
  void (async () => {
    while (!stopped) {
      await watchOnce().catch((error: unknown) =>
        log.warn({ err: error }, `${what}: watch ended, trying again`),
      );
      if (!stopped) await new Promise((resolve) => setTimeout(resolve, jitteredMs(RETRY_WAIT_MS)));
    }
  })();
  return () => {
    stopped = true;
    for (const forget of forgets) forget();
    end();
  };
}

/** Gives all that a bucket holds, oldest first. Rejects where that takes longer than 10 s. */
export async function readBucket(kv: KV, take: (entry: KvEntry) => void): Promise<void> {
  const entries = await kv.history();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    entries.stop();
  }, READ_WITHIN_MS);
  try {
    for await (const entry of entries) take(entry);
  } finally {
    clearTimeout(timer);
  }
  if (isLate) throw new Error(`the bucket was not read within ${READ_WITHIN_MS} ms`);
}
