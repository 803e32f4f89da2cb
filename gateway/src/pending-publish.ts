import type { PlexusError, PubFrame } from "@plexus/protocol";
import type { PublishListener } from "@plexus/runtime";
import type { Connection } from "./connection.js";
import * as metrics from "./metrics.js";

/** A publish whose answer is awaited: an object rather than closures, since there is one for every message. */
export class PendingPublish implements PublishListener {
  readonly #connection: Connection;
  readonly #id: number;
  // Not the frame, which would keep the data as well.
  readonly #channel: string;
  readonly #mid: string | undefined;
  readonly #number: number;
  readonly #flushLater: (connection: Connection) => void;

  constructor(
    connection: Connection,
    { id, ch, mid }: PubFrame,
    number: number,
    flushLater: (connection: Connection) => void,
  ) {
    this.#connection = connection;
    this.#id = id;
    this.#channel = ch;
    this.#mid = mid;
    this.#number = number;
    this.#flushLater = flushLater;
    connection.inFlight++;
  }

  published(epoch: string, seq: number, ts: number, dup: boolean): void {
    const tail = dup ? `,"dup":true}` : "}";
    this.#answer(`{"op":"ok","id":${this.#id},"epoch":"${epoch}","seq":${seq},"ts":${ts}${tail}`);
  }

  rejected(error: PlexusError): void {
    metrics.countError(error.code);
    const own = { channel: this.#channel, mid: this.#mid, number: this.#number };
    this.#connection.refusedPublishes.refused(own, error, performance.now());
    const frame = { op: "err", id: this.#id, code: error.code, message: error.message };
    this.#answer(JSON.stringify(error.retry === undefined ? frame : { ...frame, retry: error.retry }));
  }

  #answer(json: string): void {
    this.#connection.inFlight--;
    if (this.#connection.queue(json)) this.#flushLater(this.#connection);
  }
}
