import {
  encodeAnswers,
  type Handover,
  type Logger,
  type NatsConnection,
  type WireAnswer,
  type WireError,
} from "@plexus/runtime";
import type { Asker } from "./asker.js";

/** A NATS message of answers holds about so many bytes at most. */
const MAX_BATCH_BYTES = 600 * 1024;
const ANSWER_OVERHEAD_BYTES = 64;

/** Gathers the answers of one turn of the event loop: one NATS message per asker. */
export class Outbox {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #waiting = new Map<string, { answers: WireAnswer[]; bytes: number }>();
  #scheduled = false;

  constructor(nats: NatsConnection, log: Logger) {
    this.#nats = nats;
    this.#log = log;
  }

  answer(asker: Asker, error: WireError | null, body: unknown): void {
    const bytes = sizeOf(body);
    let batch = this.#waiting.get(asker.reply);
    if (batch !== undefined && batch.bytes + bytes > MAX_BATCH_BYTES) {
      this.#send(asker.reply, batch.answers);
      batch = undefined;
    }
    if (batch === undefined) {
      batch = { answers: [], bytes: 0 };
      this.#waiting.set(asker.reply, batch);
    }
    batch.answers.push([asker.correlation, error, body]);
    batch.bytes += bytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    for (const [reply, { answers }] of this.#waiting) this.#send(reply, answers);
  }

  #send(reply: string, answers: WireAnswer[]): void {
    this.#waiting.delete(reply);
    try {
      this.#nats.publish(reply, encodeAnswers(answers));
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
  const { records = [], members, items = [], handover } = (body ?? {}) as Partial<LargeAnswer>;
  let bytes = ANSWER_OVERHEAD_BYTES + items.length * 24;
  for (const record of [...records, ...(handover?.tail ?? [])]) bytes += record.length;
  for (const list of [members, handover?.ids])
    if (Array.isArray(list)) bytes += Buffer.byteLength(JSON.stringify(list));
  return bytes;
}
