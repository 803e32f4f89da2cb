/** The mailbox of a channel: batches of messages that wait for the next record; bounded. */
import { recordBytes } from "@plexus/protocol";
import type { PublishItem } from "@plexus/runtime";
import type { ChannelBounds } from "./channel-types.js";

export interface Batch<To> {
  readonly items: readonly PublishItem[];
  readonly bytes: number;
  readonly to: To;
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
  put(items: readonly PublishItem[], to: To): boolean {
    let bytes = 0;
    for (const item of items) bytes += Buffer.byteLength(item[2]);
    const { mailboxMessages, mailboxBytes } = this.#bounds;
    if (this.#messages + items.length > mailboxMessages || this.#bytes + bytes > mailboxBytes) return false;
    this.#batches.push({ items, bytes, to });
    this.#messages += items.length;
    this.#bytes += bytes;
    return true;
  }

  /** Takes whole batches until a record is full; always at least one. */
  take(): Batch<To>[] {
    let messages = 0;
    let bytes = 0;
    let n = 0;
    for (const batch of this.#batches) {
      messages += batch.items.length;
      bytes += batch.bytes;
      const tooMuch =
        messages > this.#bounds.recordMessages || recordBytes(bytes, messages) > this.#bounds.recordBytes;
      if (n > 0 && tooMuch) break;
      this.#messages -= batch.items.length;
      this.#bytes -= batch.bytes;
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
}
