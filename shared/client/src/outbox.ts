/** What is sent in one turn, as few WebSocket messages as the gateway's limits allow. Pure. */
import { type ClientFrame, PlexusError } from "@plexus/protocol";
import { byteLength, type Codec, type Encoded, joinOverhead } from "./codec.js";

export interface OutboxLimits {
  /** Bytes of one WebSocket message. */
  frameBytes: number;
  /** Frames in one batch. */
  batch: number;
}

export class Outbox {
  readonly #codec: Codec;
  #limits: OutboxLimits;
  #full: Encoded[][] = [];
  #open: Encoded[] = [];
  #openBytes = 0;

  constructor(codec: Codec, limits: OutboxLimits) {
    this.#codec = codec;
    this.#limits = limits;
  }

  /** Takes the limits of a gateway that has said them. */
  limit(limits: OutboxLimits): void {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#open.length === 0 && this.#full.length === 0;
  }

  /** Throws `too_large` where the frame alone is over the bound, `bad_request` where it can't be encoded. */
  add(frame: ClientFrame): void {
    const encoded = this.#encode(frame);
    const bytes = byteLength(encoded);
    const { frameBytes, batch } = this.#limits;
    if (bytes > frameBytes)
      throw new PlexusError("too_large", `the frame has ${bytes} bytes; ${frameBytes} are allowed`);
    const count = this.#open.length + 1;
    if (count > batch || this.#openBytes + bytes + joinOverhead(count) > frameBytes) this.#seal();
    this.#open.push(encoded);
    this.#openBytes += bytes;
  }

  /** The WebSocket messages for everything added since the last time, in order. */
  drain(): Encoded[] {
    this.#seal();
    const messages = this.#full.map((frames) =>
      frames.length === 1 ? (frames[0] as Encoded) : this.#codec.join(frames),
    );
    this.#full = [];
    return messages;
  }

  #encode(frame: ClientFrame): Encoded {
    try {
      return this.#codec.encode(frame);
    } catch (cause) {
      throw new PlexusError("bad_request", `the ${frame.op} frame can't be encoded`, { cause });
    }
  }

  #seal(): void {
    if (this.#open.length > 0) this.#full.push(this.#open);
    this.#open = [];
    this.#openBytes = 0;
  }
}
