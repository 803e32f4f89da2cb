/**
 * Pages of a channel's past that are being read: whoever wants the very same one meanwhile gets that. A gateway repeats a
 * question that has no answer yet, and a log that takes long would otherwise get the more to do the longer it takes.
 */
import type { ReadAnswer, ReadRange } from "@plexus/runtime";
import { type ReadableChannel, readRange } from "./reader.js";

export class SharedReads {
  /** No more than there are questions without an answer. */
  readonly #underWay = new Map<string, Promise<ReadAnswer>>();

  read(channel: ReadableChannel, range: ReadRange, now: number): Promise<ReadAnswer> {
    const { epoch, after, before, limit, orOldest } = range;
    // What was stored since belongs into the page of whoever asks now.
    const { position } = channel;
    const key = JSON.stringify([position.epoch, position.seq, epoch, after, before, limit, orOldest]);
    const known = this.#underWay.get(key);
    if (known !== undefined) return known;
    const page = readRange(channel, range, now).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, page);
    return page;
  }
}
