import { type ConsumerMessages, DeliverPolicy, type JetStreamClient, type JsMsg } from "@nats-io/jetstream";
import type { Logger } from "@plexus/runtime";

/** Where in a stream one begins: after a sequence, or with what was stored from a time on (ms since 1970). */
export type StreamStart = { readonly after: number } | { readonly since: number };

const RETRY_MS = 1_000;
/** A server that came back knows nothing of a consumer in memory: noticed after two of these without a word. */
const HEARTBEAT_MS = 4_000;

/**
 * Reads a stream in order, without a gap and without an end: what is lost on the way, or a server that goes and comes
 * back, is a matter between the library's ordered consumer and this file.
 */
export class StreamReader {
  readonly #open: () => Promise<JetStreamClient>;
  readonly #stream: string;
  readonly #filter: string | undefined;
  readonly #ahead: number;
  readonly #log: Logger;
  #messages: ConsumerMessages | undefined;
  #stopped = false;

  /** @param ahead messages that are fetched before they are asked for */
  constructor(
    open: () => Promise<JetStreamClient>,
    where: { stream: string; filter?: string; ahead: number },
    log: Logger,
  ) {
    this.#open = open;
    this.#stream = where.stream;
    this.#filter = where.filter;
    this.#ahead = where.ahead;
    this.#log = log;
  }

  async *read(start: StreamStart): AsyncGenerator<JsMsg> {
    let from = start;
    while (!this.#stopped) {
      try {
        const client = await this.#open();
        const consumer = await client.consumers.get(this.#stream, {
          ...(this.#filter === undefined ? {} : { filter_subjects: this.#filter }),
          ...positionOf(from),
        });
        this.#messages = await consumer.consume({
          max_messages: this.#ahead,
          idle_heartbeat: HEARTBEAT_MS,
        });
        if (this.#stopped) break;
        for await (const message of this.#messages) {
          from = { after: message.seq };
          yield message;
          if (this.#stopped) return;
        }
      } catch (error) {
        this.#log.warn({ err: error, stream: this.#stream }, "the stream can't be read, trying again");
      }
      if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  stop(): void {
    this.#stopped = true;
    void this.#messages?.close();
  }
}

function positionOf(start: StreamStart) {
  if ("after" in start) return { opt_start_seq: start.after + 1 };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.since).toISOString() };
}
