import {
  encodeAnswers,
  type Handover,
  type Logger,
  type NatsConnection,
  type WireAnswer,
  type WireError,
} from "@plexus/runtime";
import type { Asker } from "./asker.js";
import * as metrics from "./metrics.js";

/** A NATS message of answers holds about so many bytes at most. */
const MAX_BATCH_BYTES = 600 * 1024;
const ANSWER_OVERHEAD_BYTES = 64;
const ITEM_BYTES = 24;

interface Waiting {
  /** Any of the asker's subjects for answers: it tells them apart only to know which of its messages met nobody. */
  readonly reply: string;
  readonly answers: WireAnswer[];
  bytes: number;
}

/** Gathers the answers of one turn of the event loop: one NATS message per asker. */
export class Outbox {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #from: string;
  /** By the part of the subject that names the asker. */
  readonly #waiting = new Map<string, Waiting>();
  #scheduled = false;

  /** `from`: the subject under which this worker takes commands, told to whoever is answered. */
  constructor(nats: NatsConnection, from: string, log: Logger) {
    this.#nats = nats;
    this.#from = from;
    this.#log = log;
  }

  answer(asker: Asker, error: WireError | null, body: unknown): void {
    const { reply } = asker;
    if (error !== null) metrics.commandErrors.add(error[0]);
    const bytes = sizeOf(body);
    const to = reply.slice(0, reply.lastIndexOf("."));
    let batch = this.#waiting.get(to);
    if (batch !== undefined && batch.bytes + bytes > MAX_BATCH_BYTES) {
      this.#send(batch);
      batch = undefined;
    }
    if (batch === undefined) {
      batch = { reply, answers: [], bytes: 0 };
      this.#waiting.set(to, batch);
    }
    batch.answers.push([asker.correlation, error, body]);
    batch.bytes += bytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    for (const batch of this.#waiting.values()) this.#send(batch);
    this.#waiting.clear();
  }

  #send({ reply, answers }: Waiting): void {
    try {
      this.#nats.publish(reply, encodeAnswers(answers), { reply: this.#from });
    } catch (error) {
      // The asker asks again when no answer comes.
      this.#log.warn({ err: error }, "answers could not be sent");
    }
  }
}

/** What can make an answer large. */
interface LargeAnswer {
  records: Uint8Array[];
  members: unknown;
  items: unknown[];
  handover: Handover | null;
}

/** About how many bytes an answer takes. */
function sizeOf(body: unknown): number {
  const { items } = (body ?? {}) as Partial<LargeAnswer>;
  // To a publish, as nearly all are: there is nothing else in it.
  if (items !== undefined) return ANSWER_OVERHEAD_BYTES + items.length * ITEM_BYTES;
  const { records = [], members, handover } = (body ?? {}) as Partial<LargeAnswer>;
  let bytes = ANSWER_OVERHEAD_BYTES;
  for (const record of [...records, ...(handover?.tail ?? [])]) bytes += record.length;
  for (const list of [members, handover?.ids, handover?.starts])
    if (Array.isArray(list)) bytes += Buffer.byteLength(JSON.stringify(list));
  return bytes;
}
