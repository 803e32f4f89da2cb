import {
  encodeAnswers,
  type Handover,
  type Logger,
  type NatsConnection,
  type PublishAnswer,
  type WireAnswer,
  type WireError,
} from "@plexus/runtime";
import type { Asker } from "./asker.js";
import * as metrics from "./metrics.js";

/** A NATS message of answers holds about so many bytes at most. */
const MAX_BATCH_BYTES = 600 * 1024;
const ANSWER_OVERHEAD_BYTES = 64;
const ITEM_BYTES = 24;
/** At most, with the longest epoch. */
const HEAD_BYTES = 200;

/** Askers that are remembered; a new list is begun beyond. */
const MAX_ASKERS = 1_000;

interface Waiting {
  /** Any of the asker's subjects for answers: it tells them apart only to know which of its messages met nobody. */
  reply: string;
  answers: WireAnswer[];
  bytes: number;
}

/** Gathers the answers of one turn of the event loop: one NATS message per asker. */
export class Outbox {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #from: string;
  /** By the part of the subject that names the asker; kept, since a Map that is emptied each turn is dear. */
  readonly #askers = new Map<string, Waiting>();
  /** Those for whom something waits. */
  #ready: Waiting[] = [];

  /** `from`: the subject under which this worker takes commands, told to whoever is answered. */
  constructor(nats: NatsConnection, from: string, log: Logger) {
    this.#nats = nats;
    this.#from = from;
    this.#log = log;
  }

  answer(asker: Asker, error: WireError | null, body: unknown): void {
    if (error !== null) metrics.commandErrors.add(error[0]);
    const bytes = sizeOf(body);
    const waiting = this.#waitingOf(asker.reply);
    if (waiting.bytes + bytes > MAX_BATCH_BYTES) this.#send(waiting);
    if (waiting.answers.length === 0) {
      waiting.reply = asker.reply;
      if (this.#ready.push(waiting) === 1) setImmediate(() => this.flush());
    }
    waiting.answers.push([asker.correlation, error, body]);
    waiting.bytes += bytes;
  }

  flush(): void {
    const ready = this.#ready;
    this.#ready = [];
    for (const waiting of ready) this.#send(waiting);
    if (this.#askers.size > MAX_ASKERS) this.#askers.clear();
  }

  #waitingOf(reply: string): Waiting {
    const asker = reply.slice(0, reply.lastIndexOf("."));
    let waiting = this.#askers.get(asker);
    if (waiting === undefined) {
      waiting = { reply, answers: [], bytes: 0 };
      this.#askers.set(asker, waiting);
    }
    return waiting;
  }

  #send(waiting: Waiting): void {
    const { reply, answers } = waiting;
    if (answers.length === 0) return;
    waiting.answers = [];
    waiting.bytes = 0;
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
  heads: unknown[];
  handover: Handover | null;
}

/** About how many bytes an answer takes. */
function sizeOf(body: unknown): number {
  // To a publish, as nearly all are.
  if (Array.isArray(body))
    return ANSWER_OVERHEAD_BYTES + ((body as unknown as PublishAnswer)[3]?.length ?? 0) * ITEM_BYTES;
  const { records = [], heads = [], members, handover } = (body ?? {}) as Partial<LargeAnswer>;
  let bytes = ANSWER_OVERHEAD_BYTES + heads.length * HEAD_BYTES;
  for (const record of [...records, ...(handover?.tail ?? [])]) bytes += record.length;
  for (const list of [members, handover?.ids])
    if (Array.isArray(list)) bytes += Buffer.byteLength(JSON.stringify(list));
  return bytes;
}
