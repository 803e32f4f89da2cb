import { jetstreamManager } from "@nats-io/jetstream";
import { logStream, subjects } from "@plexus/protocol";
import {
  type Logger,
  type NatsConnection,
  type Subscription,
  subscribe,
  type WorkerStatus,
} from "@plexus/runtime";
import * as metrics from "./metrics.js";
import type { Partitions } from "./partitions.js";
import { Rate } from "./rate.js";

const SAMPLE_INTERVAL_MS = 1_000;
const RATE_SPAN_MS = 5_000;
/** Counting the channels of a large log costs the broker something: so often at most. */
const CHANNELS_KEEP_MS = 2_000;
const COUNT_WAIT_MS = 100;

/** Tells the admin API how this worker is, when it asks. */
export class StatusReporter {
  readonly #nats: NatsConnection;
  readonly #cell: string;
  readonly #log: Logger;
  readonly #rate = new Rate(RATE_SPAN_MS);
  readonly #subscription: Subscription;
  readonly #timer: NodeJS.Timeout;
  #channels = 0;
  #channelsCountedAt = 0;

  constructor(context: {
    nats: NatsConnection;
    cell: string;
    worker: string;
    partitions: Partitions;
    actors: { readonly size: number };
    log: Logger;
  }) {
    const { nats, cell, worker, partitions, actors, log } = context;
    this.#nats = nats;
    this.#cell = cell;
    this.#log = log;
    this.#timer = setInterval(() => void this.#sample(), SAMPLE_INTERVAL_MS);
    const status = (): WorkerStatus => ({
      cell,
      worker,
      peers: [...partitions.workers],
      actors: actors.size,
      partitions: [...partitions.owned],
      rate: this.#rate.perSecond,
      channels: this.#channels,
    });
    this.#subscription = subscribe(nats, subjects.workerStatus(cell), log, (message) => {
      void this.#channelsCounted().then(() => message.respond(JSON.stringify(status())));
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription.unsubscribe();
  }

  async #sample(): Promise<void> {
    const { values } = await metrics.storedMessages.get();
    this.#rate.sample(values[0]?.value ?? 0, Date.now());
  }

  /** Resolves soon in any case: a log that does not answer must not keep the rest from being said. */
  #channelsCounted(): Promise<void> {
    const now = Date.now();
    if (now - this.#channelsCountedAt < CHANNELS_KEEP_MS) return Promise.resolve();
    this.#channelsCountedAt = now;
    const late = new Promise<void>((resolve) => setTimeout(resolve, COUNT_WAIT_MS));
    return Promise.race([this.#countChannels(), late]);
  }

  async #countChannels(): Promise<void> {
    try {
      const manager = await jetstreamManager(this.#nats, { checkAPI: false });
      const { state } = await manager.streams.info(logStream(this.#cell));
      this.#channels = state.num_subjects ?? 0;
    } catch (error) {
      this.#log.debug({ err: error }, "channels could not be counted");
    }
  }
}
