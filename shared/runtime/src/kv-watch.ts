import type { KV, KvWatchEntry } from "@nats-io/kv";
import type { Logger } from "./log.js";
import { jitteredMs } from "./retry.js";

const RETRY_WAIT_MS = 500;

/**
 * Watches a bucket, or one key of it, until the returned function is called: a watch that ends is begun anew, with what
 * is stored by then. An entry that can't be taken is logged, and stays what it was for whoever watches.
 *
 * @param what names the bucket in logs
 */
export function watchBucket(
  kv: KV,
  what: string,
  log: Logger,
  take: (entry: KvWatchEntry) => void,
  key?: string,
): () => void {
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
    const watch = await kv.watch(key === undefined ? {} : { key });
    end = () => watch.stop();
    if (stopped) end();
    for await (const entry of watch) takeOne(entry);
  };
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
    end();
  };
}
