import { PlexusError } from "@plexus/protocol";
import type { Logger, NatsConnection } from "@plexus/runtime";
import { JetStreamLog, type LogOptions } from "./jetstream-log.js";
import type { ChannelLog } from "./log.js";

/** A log that could not be reached is not tried again for so long: whoever needs it is told at once. */
const RETRY_MS = 2_000;

/** The logs of other cells, opened when a channel's past leads there, and kept. */
export class CellLogs {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #options: LogOptions;
  readonly #open = new Map<string, Promise<JetStreamLog>>();

  constructor(nats: NatsConnection, log: Logger, options: LogOptions) {
    this.#nats = nats;
    this.#log = log;
    this.#options = options;
  }

  /** Rejects with `unavailable` if the cell's log can't be reached; it is tried again after a while. */
  of(cell: string): Promise<ChannelLog> {
    let opening = this.#open.get(cell);
    if (opening === undefined) {
      opening = JetStreamLog.openExisting(this.#nats, cell, this.#log, this.#options).catch(
        (cause: unknown) => {
          setTimeout(() => this.#open.delete(cell), RETRY_MS).unref();
          throw new PlexusError("unavailable", `the log of cell ${cell} can't be reached`, {
            retry: 1_000,
            cause,
          });
        },
      );
      this.#open.set(cell, opening);
    }
    return opening;
  }

  async stop(): Promise<void> {
    for (const opening of this.#open.values()) await opening.then((log) => log.stop()).catch(() => undefined);
  }
}
