import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { subjects } from "@plexus/protocol";
import { DEAD_LETTER_STREAM } from "@plexus/runtime";

/** What could not be delivered, and why. */
export interface DeadLetter {
  readonly webhook: string;
  /** As in "answered 400". */
  readonly reason: string;
  readonly attempts: number;
  /** Milliseconds since 1970: of the first and of the last try. */
  readonly firstAt: number;
  readonly at: number;
  /** JSON of each event. */
  readonly batch: unknown[];
}

export interface StoredLetter {
  /** Its number in the stream: the letter's id. */
  readonly seq: number;
  readonly letter: DeadLetter;
}

/** The stream of dead letters. */
export class DeadLetters {
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;

  constructor(client: JetStreamClient, manager: JetStreamManager) {
    this.#client = client;
    this.#manager = manager;
  }

  /** @param id the same within the stream's window is stored once */
  async put(tenant: string, letter: Omit<DeadLetter, "batch">, batch: string, id: string): Promise<void> {
    const head = JSON.stringify(letter).slice(0, -1);
    const subject = subjects.deadLetters(tenant, letter.webhook);
    await this.#client.publish(subject, `${head},"batch":${batch}}`, { msgID: id });
  }

  /** The first from a number on. */
  async next(tenant: string, webhook: string, from: number): Promise<StoredLetter | null> {
    const found = await this.#manager.direct.getMessage(DEAD_LETTER_STREAM, {
      seq: Math.max(1, from),
      next_by_subj: subjects.deadLetters(tenant, webhook),
    });
    return found === null ? null : { seq: found.seq, letter: found.json<DeadLetter>() };
  }

  async list(tenant: string, webhook: string, from: number, limit: number): Promise<StoredLetter[]> {
    const found: StoredLetter[] = [];
    for (let seq = from; found.length < limit; ) {
      const letter = await this.next(tenant, webhook, seq);
      if (letter === null) break;
      found.push(letter);
      seq = letter.seq + 1;
    }
    return found;
  }

  async count(tenant: string, webhook: string): Promise<number> {
    const subject = subjects.deadLetters(tenant, webhook);
    const { state } = await this.#manager.streams.info(DEAD_LETTER_STREAM, { subjects_filter: subject });
    return state.subjects?.[subject] ?? 0;
  }

  async remove(seq: number): Promise<void> {
    await this.#manager.streams.deleteMessage(DEAD_LETTER_STREAM, seq);
  }

  /** All of a webhook that is no more. */
  async removeAll(tenant: string, webhook: string): Promise<void> {
    await this.#manager.streams.purge(DEAD_LETTER_STREAM, { filter: subjects.deadLetters(tenant, webhook) });
  }
}
