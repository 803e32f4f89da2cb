/** What this worker says of its load; see the runtime's `load.ts`. */
import { growth, type Logger, type NatsConnection, sayLoad, type WorkerCounts } from "@plexus/runtime";
import type { ChannelCount } from "./channel-count.js";
import * as metrics from "./metrics.js";

/** Channels are counted for it no more often. */
const COUNT_INTERVAL_MS = 5_000;

export function sayWorkerLoad(context: {
  nats: NatsConnection;
  cell: string;
  worker: string;
  instance: string;
  actors: { readonly size: number };
  maxActors: number;
  channels: ChannelCount;
  tenants: { readonly lagMs: number };
  log: Logger;
}): () => void {
  const { nats, cell, worker: id, instance, actors, maxActors, channels, tenants, log } = context;
  const records = growth(metrics.storedRecords);
  const messages = growth(metrics.storedMessages);
  const count = setInterval(() => void channels.refresh(), COUNT_INTERVAL_MS);
  const counts = (): WorkerCounts => ({
    kind: "worker",
    id,
    cell,
    actors: actors.size,
    maxActors,
    channels: channels.known,
    records: records(),
    messages: messages(),
    mailbox: metrics.mailboxSeconds.recent.take(),
    append: metrics.appendSeconds.recent.take(),
  });
  const stop = sayLoad({ nats, instance, lagMs: () => tenants.lagMs, counts, log });
  return () => {
    clearInterval(count);
    stop();
  };
}
