/** The mailbox of a channel: batches of messages that wait for the next record; bounded. */
import { recordBytes } from "@plexus/protocol";
import type { PublishBatch } from "@plexus/runtime";
import type { ChannelBounds } from "./channel-types.js";

/**
 * Whoever waits for longer is told to ask again. A gateway repeats a batch for 10 s, so with that no repetition comes to the
 * log later than the window in which its made ids are known at least (20 s).
 */
const MAX_WAIT_MS = 8_000;

export interface Batch<To> {
  readonly body: PublishBatch;
  readonly to: To;
  /** When it came. */
  readonly at: number;
}

export class Mailbox<To> {
  readonly #bounds: ChannelBounds;
  #batches: Batch<To>[] = [];
  #messages = 0;
  #bytes = 0;

  constructor(bounds: ChannelBounds) {
    this.#bounds = bounds;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }
  get messages(): number {
    return this.#messages;
  }

  /** False, and nothing kept, where a bound would be passed. */
  put(body: PublishBatch, to: To, now: number): boolean {
    const [{ length: bytes }, { length: messages }] = body;
    const { mailboxMessages, mailboxBytes } = this.#bounds;
    if (this.#messages + messages > mailboxMessages || this.#bytes + bytes > mailboxBytes) return false;
    this.#batches.push({ body, to, at: now });
    this.#count(body, 1);
    return true;
  }

  /** Takes what has waited for too long, and returns who waits. */
  takeStale(now: number): To[] {
    const young = this.#batches.findIndex(({ at }) => now - at <= MAX_WAIT_MS);
    const stale = this.#batches.splice(0, young === -1 ? this.#batches.length : young);
    for (const { body } of stale) this.#count(body, -1);
    return stale.map(({ to }) => to);
  }

  /** Takes whole batches until a record is full; always at least one. */
  take(): Batch<To>[] {
    let messages = 0;
    let bytes = 0;
    let n = 0;
    const { recordMessages, recordBytes: most } = this.#bounds;
    for (const { body } of this.#batches) {
      const [fragments, lengths] = body;
      messages += lengths.length;
      bytes += fragments.length;
      if (n > 0 && (messages > recordMessages || recordBytes(bytes, n + 1) > most)) break;
      this.#count(body, -1);
      n++;
    }
    return this.#batches.splice(0, n);
  }

  /** Empties it, and returns who waits. */
  takeAll(): To[] {
    const waiting = this.#batches.map((batch) => batch.to);
    this.#batches = [];
    this.#messages = 0;
    this.#bytes = 0;
    return waiting;
  }

  #count([fragments, lengths]: PublishBatch, sign: 1 | -1): void {
    this.#messages += sign * lengths.length;
    this.#bytes += sign * fragments.length;
  }
}
