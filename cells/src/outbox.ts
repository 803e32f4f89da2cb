import {
  encodeAnswers,
  type Logger,
  type NatsConnection,
  type WireAnswer,
  type WireError,
} from "@plexus/runtime";
import type { Asker } from "./actor.js";

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
    let batch = this.#waiting.get(asker.reply);
    if (batch === undefined) {
      batch = { answers: [], bytes: 0 };
      this.#waiting.set(asker.reply, batch);
    }
    batch.answers.push([asker.correlation, error, body]);
    batch.bytes += sizeOf(body);
    if (batch.bytes > MAX_BATCH_BYTES) this.#send(asker.reply, batch.answers);
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.flush());
    }
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

/** About how many bytes an answer takes; only records and member lists are large. */
function sizeOf(body: unknown): number {
  let bytes = ANSWER_OVERHEAD_BYTES;
  if (body === null || typeof body !== "object") return bytes;
  if ("records" in body) for (const record of body.records as Uint8Array[]) bytes += record.length;
  if ("members" in body && Array.isArray(body.members)) bytes += body.members.length * 256;
  if ("items" in body) bytes += (body.items as unknown[]).length * 24;
  return bytes;
}
