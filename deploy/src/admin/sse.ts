import type { OutgoingHttpHeaders } from "node:http";
import { PlexusError } from "@plexus/protocol";
import type { FastifyReply } from "fastify";
import { Gauge } from "prom-client";

/** Streams at once; more are refused. */
const MAX_STREAMS = 200;
/** So often a comment is sent, since proxies cut what is silent. */
const KEEP_ALIVE_MS = 15_000;
/** Unsent bytes at which a reader is too slow. */
const MAX_UNSENT_BYTES = 1024 * 1024;

const streams = new Gauge({ name: "plexus_admin_event_streams", help: "Open streams of server-sent events" });

/** One response of server-sent events (WHATWG HTML, "Server-sent events"). */
export class EventStream {
  /** Aborted when the reader is gone, or the stream was ended. */
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #reply: FastifyReply;
  readonly #timer: NodeJS.Timeout;

  constructor(reply: FastifyReply) {
    this.signal = this.#abort.signal;
    this.#reply = reply;
    reply.hijack();
    reply.raw.writeHead(200, {
      // What every answer has: who hijacks it has to say it himself.
      ...(reply.getHeaders() as OutgoingHttpHeaders),
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // nginx buffers otherwise.
      "x-accel-buffering": "no",
    });
    reply.raw.flushHeaders();
    this.#timer = setInterval(() => this.#write(":\n\n"), KEEP_ALIVE_MS);
    reply.raw.once("close", () => this.end());
    // Gone before there was anything to listen to.
    if (reply.raw.destroyed) this.end();
  }

  send(event: string, json: string): void {
    this.#write(`event: ${event}\ndata: ${json}\n\n`);
  }

  end(): void {
    if (this.signal.aborted) return;
    clearInterval(this.#timer);
    this.#reply.raw.end();
    this.#abort.abort();
  }

  #write(text: string): void {
    const { raw } = this.#reply;
    if (this.signal.aborted) return;
    raw.write(text);
    if (raw.writableLength > MAX_UNSENT_BYTES) raw.destroy();
  }
}

/** All streams of this process. */
export class EventStreams {
  readonly #open = new Set<EventStream>();

  get size(): number {
    return this.#open.size;
  }

  /** Answers with a stream. Throws `limit_reached` where there are too many. */
  open(reply: FastifyReply): EventStream {
    if (this.#open.size >= MAX_STREAMS)
      throw new PlexusError("limit_reached", `there may be ${MAX_STREAMS} event streams at once`);
    const stream = new EventStream(reply);
    if (stream.signal.aborted) return stream;
    this.#open.add(stream);
    streams.set(this.#open.size);
    stream.signal.addEventListener("abort", () => {
      this.#open.delete(stream);
      streams.set(this.#open.size);
    });
    return stream;
  }

  stop(): void {
    for (const stream of [...this.#open]) stream.end();
  }
}
