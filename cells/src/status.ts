import { subjects } from "@plexus/protocol";
import {
  type Logger,
  type NatsConnection,
  type Subscription,
  subscribe,
  type WorkerStatus,
} from "@plexus/runtime";
import type { ChannelCount } from "./channel-count.js";
import * as metrics from "./metrics.js";
import type { Partitions } from "./partitions.js";
import { Rate } from "./rate.js";

const SAMPLE_INTERVAL_MS = 1_000;
const RATE_SPAN_MS = 5_000;
/** A log that does not answer must not keep the rest from being said. */
const COUNT_WAIT_MS = 100;

/** Tells the admin API how this worker is, when it asks. */
export class StatusReporter {
  readonly #rate = new Rate(RATE_SPAN_MS);
  readonly #subscription: Subscription;
  readonly #timer: NodeJS.Timeout;

  constructor(context: {
    nats: NatsConnection;
    cell: string;
    worker: string;
    partitions: Partitions;
    actors: { readonly size: number };
    channels: ChannelCount;
    log: Logger;
  }) {
    const { nats, cell, worker, partitions, actors, channels, log } = context;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
    const status = (): WorkerStatus => ({
      cell,
      worker,
      peers: [...partitions.workers],
      actors: actors.size,
      partitions: [...partitions.owned],
      rate: this.#rate.perSecond,
      channels: channels.value,
    });
    this.#subscription = subscribe(nats, subjects.workerStatus(cell), log, (message) => {
      const late = new Promise<void>((resolve) => setTimeout(resolve, COUNT_WAIT_MS));
      return Promise.race([channels.refresh(), late]).then(() => message.respond(JSON.stringify(status())));
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription.unsubscribe();
  }

  #sample(): void {
    this.#rate.sample(metrics.storedMessages.total, Date.now());
  }
}
