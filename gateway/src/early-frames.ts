/** What clients send while their tokens are being verified: kept until it is known whose it is. */
import type { ByeFrame, CloseName } from "@plexus/protocol";
import { boundReached, measureQueue } from "@plexus/runtime";
import type { Connection } from "./connection.js";

/** Of one connection. */
const MAX_FRAMES = 1_000;
/** WebSocket messages behind the one with `hello`, as long as they came. */
const MAX_BYTES = 1_048_576;
/** Of all connections that wait, so that a crowd of them is no way around it. */
const MAX_BYTES_OF_ALL = 64 * 1_048_576;
/** That bound, in metrics. */
const BYTES = "early_bytes";
const COME_AGAIN: ByeFrame["reconnect"] = { min: 1_000, max: 10_000 };

interface Waiting {
  readonly frames: unknown[];
  bytes: number;
}

/** Why a connection has to go. */
export interface EarlyRefusal {
  readonly close: CloseName;
  readonly reconnect: ByeFrame["reconnect"];
}

const TOO_MUCH: EarlyRefusal = { close: "rate_limited", reconnect: null };
const TOO_MUCH_OF_ALL: EarlyRefusal = { close: "unavailable", reconnect: COME_AGAIN };

export class EarlyFrames {
  readonly #waiting = new Map<Connection, Waiting>();
  #bytes = 0;

  constructor() {
    measureQueue(BYTES, MAX_BYTES_OF_ALL, () => this.#bytes);
  }

  /** From now on the connection's frames wait. */
  begin(connection: Connection): void {
    this.#waiting.set(connection, { frames: [], bytes: 0 });
  }

  has(connection: Connection): boolean {
    return this.#waiting.has(connection);
  }

  /** Counts a message of a connection whose frames wait, before it is decoded. */
  count(connection: Connection, bytes: number): EarlyRefusal | null {
    const waiting = this.#waiting.get(connection);
    if (waiting === undefined) return null;
    waiting.bytes += bytes;
    this.#bytes += bytes;
    if (waiting.bytes > MAX_BYTES) return TOO_MUCH;
    if (this.#bytes <= MAX_BYTES_OF_ALL) return null;
    boundReached.inc({ bound: BYTES });
    return TOO_MUCH_OF_ALL;
  }

  add(connection: Connection, frame: unknown): EarlyRefusal | null {
    const waiting = this.#waiting.get(connection);
    if (waiting === undefined) return null;
    return waiting.frames.push(frame) > MAX_FRAMES ? TOO_MUCH : null;
  }

  /** What has waited, in its order. The connection's frames wait no more. */
  end(connection: Connection): unknown[] {
    const waiting = this.#waiting.get(connection);
    if (waiting === undefined) return [];
    this.#waiting.delete(connection);
    this.#bytes -= waiting.bytes;
    return waiting.frames;
  }
}
