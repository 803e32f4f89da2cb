import type { Logger } from "./log.js";
import {
  connectivity,
  isNoResponders,
  type Msg,
  type NatsConnection,
  natsHeaders,
  type Subscription,
  subscribe,
} from "./nats.js";
import { backoffMs } from "./retry.js";

/** An entry for a JetStream stream; the same id within the stream's window is stored once. */
export interface Entry {
  readonly subject: string;
  readonly id: string;
  readonly data: string;
  /** Is never given up to make room. */
  readonly keep?: boolean;
}

export interface StreamWriterOptions {
  /** Entries that wait at most, those that are kept anyway not counted; beyond it the oldest are given up. */
  maxWaiting: number;
  /** Told of each entry that was given up, and of each that is stored. */
  onDropped: (count: number) => void;
  onStored: (count: number) => void;
}

const IN_FLIGHT = 256;
const ACK_DEADLINE_MS = 3_000;
const SWEEP_MS = 250;
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 2_000;

/**
 * Writes to a stream in order, until everything is stored: so many entries are under way; where one of them fails, all
 * from it on are written again, and the stream knows by their ids which of them it has (go-back-N). Plain publishes
 * with one inbox for the acknowledgements cost an eighth of the library's.
 */
export class StreamWriter {
  readonly #nats: NatsConnection;
  readonly #options: StreamWriterOptions;
  readonly #log: Logger;
  /** What is published while the connection is down is held by the library, without a bound. */
  readonly #bus: { readonly isUp: boolean };
  readonly #inbox: string;
  readonly #acks: Subscription;
  readonly #sweep: NodeJS.Timeout;
  /** The oldest first; the first {@link #sent} of them are under way. */
  readonly #entries: Entry[] = [];
  #droppable = 0;
  #sent = 0;
  /** Acknowledgements of an attempt that was given up say nothing. */
  #attempt = 0;
  /** Number of the first entry, within the attempt. */
  #base = 0;
  readonly #acked = new Set<number>();
  #failures = 0;
  #notBefore = 0;
  #progressAt = 0;

  constructor(nats: NatsConnection, name: string, options: StreamWriterOptions, log: Logger) {
    this.#nats = nats;
    this.#options = options;
    this.#log = log;
    this.#bus = connectivity(nats);
    this.#inbox = `_INBOX.${name}.${crypto.randomUUID()}`;
    this.#acks = subscribe(nats, `${this.#inbox}.*.*`, log, (message) => this.#onAck(message));
    this.#sweep = setInterval(() => this.#onSweep(performance.now()), SWEEP_MS);
  }

  get waiting(): number {
    return this.#entries.length;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    if (entry.keep !== true && ++this.#droppable > this.#options.maxWaiting) this.#drop();
    this.#pump(performance.now());
  }

  /** Forgets what waits. */
  clear(): void {
    this.#entries.length = 0;
    this.#droppable = 0;
    this.#goBack();
  }

  stop(): void {
    clearInterval(this.#sweep);
    this.#acks.unsubscribe();
  }

  #drop(): void {
    const oldest = this.#entries.findIndex(({ keep }) => keep !== true);
    this.#entries.splice(oldest, 1);
    this.#droppable--;
    // What is under way counts by its place.
    if (oldest < this.#sent) this.#goBack();
    this.#options.onDropped(1);
  }

  #goBack(): void {
    this.#attempt++;
    this.#sent = 0;
    this.#base = 0;
    this.#acked.clear();
  }

  #pump(now: number): void {
    if (now < this.#notBefore || !this.#bus.isUp) return;
    if (this.#sent === 0) this.#progressAt = now;
    while (this.#sent < this.#entries.length && this.#sent < IN_FLIGHT) {
      const { subject, id, data } = this.#entries[this.#sent]!;
      const headers = natsHeaders();
      headers.set("Nats-Msg-Id", id);
      const reply = `${this.#inbox}.${this.#attempt}.${this.#base + this.#sent}`;
      try {
        this.#nats.publish(subject, data, { reply, headers });
      } catch (error) {
        return this.#failed(now, error);
      }
      this.#sent++;
    }
  }

  #onAck(message: Msg): void {
    const [attempt, number] = message.subject.split(".").slice(-2).map(Number) as [number, number];
    if (attempt !== this.#attempt) return;
    const now = performance.now();
    if (isNoResponders(message)) return this.#failed(now, "nobody stores it");
    const { error } = message.json<{ error?: { description: string } }>();
    if (error !== undefined) return this.#failed(now, error.description);
    this.#acked.add(number);
    let stored = 0;
    while (this.#acked.delete(this.#base)) {
      this.#base++;
      stored++;
    }
    if (stored === 0) return;
    for (const { keep } of this.#entries.splice(0, stored)) if (keep !== true) this.#droppable--;
    this.#sent -= stored;
    this.#progressAt = now;
    this.#failures = 0;
    this.#options.onStored(stored);
    this.#pump(now);
  }

  #failed(now: number, cause: unknown): void {
    this.#log.debug({ err: cause, failures: this.#failures }, "the stream took nothing, trying again");
    this.#notBefore = now + backoffMs(this.#failures++, FIRST_WAIT_MS, MAX_WAIT_MS);
    this.#goBack();
  }

  #onSweep(now: number): void {
    if (this.#sent > 0 && now - this.#progressAt > ACK_DEADLINE_MS) this.#failed(now, "no answer in time");
    this.#pump(now);
  }
}
