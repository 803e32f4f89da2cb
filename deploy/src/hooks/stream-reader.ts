import {
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamClient,
  type JsMsg,
  type OrderedConsumerOptions,
} from "@nats-io/jetstream";
import { type Logger, type NatsConnection, onReconnect } from "@plexus/runtime";

/** Where in a stream one begins: after a sequence, or with what was stored from a time on (ms since 1970). */
export type StreamStart = { readonly after: number } | { readonly since: number };

export interface StreamPlace {
  readonly nats: NatsConnection;
  /** JetStream of where the stream is at the moment. */
  readonly open: () => Promise<JetStreamClient>;
  readonly stream: string;
  /** All subjects where it is left out. */
  readonly filter?: string;
  /** Messages that are fetched before they are asked for. */
  readonly ahead: number;
  readonly log: Logger;
}

const RETRY_MS = 1_000;
/** A server that fell silent, or lost a consumer in memory: noticed after two of these without a word. */
const HEARTBEAT_MS = 4_000;

/**
 * Reads a stream in order, without a gap and without an end. What is lost on the way is a matter of the library's
 * ordered consumer. Where the server goes and comes back, or falls silent, a new one is made: the library would ask for
 * the old one, and after a first answer that it does not like wait for half a minute.
 */
export class StreamReader {
  readonly #place: StreamPlace;
  readonly #forget: () => void;
  #messages: ConsumerMessages | undefined;
  #stopped = false;

  constructor(place: StreamPlace) {
    this.#place = place;
    this.#forget = onReconnect(place.nats, () => void this.#messages?.close());
  }

  async *read(start: StreamStart): AsyncGenerator<JsMsg> {
    let from = start;
    while (!this.#stopped) {
      try {
        for await (const message of await this.#follow(from)) {
          from = { after: message.seq };
          yield message;
          if (this.#stopped) return;
        }
      } catch (error) {
        const { stream, log } = this.#place;
        log.warn({ err: error, stream }, "the stream can't be read, trying again");
      }
      if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#forget();
    void this.#messages?.close();
  }

  /** Ends with the connection, and when the server has said nothing for too long. */
  async #follow(from: StreamStart): Promise<ConsumerMessages> {
    const { open, stream, filter, ahead } = this.#place;
    const client = await open();
    const options: Partial<OrderedConsumerOptions> = filter === undefined ? {} : { filter_subjects: filter };
    const consumer = await client.consumers.get(stream, { ...options, ...positionOf(from) });
    const messages = await consumer.consume({ max_messages: ahead, idle_heartbeat: HEARTBEAT_MS });
    this.#messages = messages;
    if (this.#stopped) void messages.close();
    void endInSilence(messages);
    return messages;
  }
}

async function endInSilence(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (type === "heartbeats_missed") void messages.close();
}

function positionOf(start: StreamStart) {
  if ("after" in start) return { opt_start_seq: start.after + 1 };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.since).toISOString() };
}
