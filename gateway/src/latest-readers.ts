/**
 * Subscribers of one channel that get its latest record in place of all that waits, once they can't keep up: the policy
 * `slowReader: "latest"` of a namespace, for channels where only the present counts (prices, positions, scores). Others
 * call it conflation.
 *
 * They listen to the channel's topic as everybody does. One that has too much unsent leaves it before the next record is
 * published, and comes back with the newest record as soon as it has taken what it had. `skipped` names what it missed,
 * so a position still means the same.
 */
import type { Position, ServerFrame } from "@plexus/protocol";
import type { Tail } from "@plexus/runtime";
import * as metrics from "./metrics.js";

/** Unsent bytes of a connection beyond which its next records are left out; far below where it would be closed. */
const BEHIND_BYTES = 64 * 1024;
/** It comes back once no more than this is unsent. */
const LOW_WATER_BYTES = 4 * 1024;

/** What is needed of a connection. */
export interface LatestReader {
  readonly bufferedBytes: number;
  drainedBelow(bytes: number): Promise<void>;
  cork(write: () => void): void;
  send(frame: ServerFrame): void;
  sendBytes(json: Uint8Array): void;
  joinMessages(key: string): void;
  leaveMessages(key: string): void;
}

/** What is needed of the channel's relay. */
export interface LatestSource {
  readonly key: string;
  readonly channel: string;
  readonly position: Position;
  readonly relay: { readonly tail: Tail };
}

export class LatestReaders {
  readonly #source: LatestSource;
  /** Those that are on the topic (null), and those that are behind, with the position up to which they have everything. */
  #readers: Map<LatestReader, Position | null> | undefined;

  constructor(source: LatestSource) {
    this.#source = source;
  }

  get size(): number {
    return this.#readers?.size ?? 0;
  }

  /** It is on the topic from now on. */
  join(reader: LatestReader): void {
    this.#readers ??= new Map();
    this.#readers.set(reader, null);
  }

  leave(reader: LatestReader): void {
    this.#readers?.delete(reader);
  }

  /** To be called before a record that follows on `seq` is published. */
  spare({ epoch, seq }: Position): void {
    for (const [reader, behind] of this.#readers ?? []) {
      if (behind !== null || reader.bufferedBytes <= BEHIND_BYTES) continue;
      const from = { epoch, seq };
      this.#readers?.set(reader, from);
      reader.leaveMessages(this.#source.key);
      void this.#catchUp(reader, from);
    }
  }

  /** @param from up to where it has everything; another object each time, so that a stay that has ended is known */
  async #catchUp(reader: LatestReader, from: Position): Promise<void> {
    await reader.drainedBelow(LOW_WATER_BYTES);
    if (this.#readers?.get(reader) !== from) return;
    this.#readers.set(reader, null);
    const { key, channel, position, relay } = this.#source;
    const latest = relay.tail.after(position.seq - 1)?.at(-1);
    const next = latest === undefined ? position.seq + 1 : latest.seq;
    const frame = gapBetween(channel, from, { epoch: position.epoch, seq: next });
    if (frame?.op === "skipped") metrics.skippedMessages.inc(frame.n);
    reader.cork(() => {
      if (frame !== null) reader.send(frame);
      if (latest !== undefined) reader.sendBytes(latest.bytes);
      reader.joinMessages(key);
    });
  }
}

/** How a subscriber that has everything up to `from` is told that it goes on with `next`; null where that follows. */
function gapBetween(ch: string, from: Position, next: Position): ServerFrame | null {
  const { epoch, seq } = next;
  if (from.epoch !== epoch) return { op: "reset", ch, epoch, seq: seq - 1, recovered: false };
  const n = seq - 1 - from.seq;
  return n > 0 ? { op: "skipped", ch, epoch, seq: from.seq + 1, n } : null;
}
