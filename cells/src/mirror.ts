/**
 * The mirror of a cell's log in the hub: made when the cell starts to drain, so that old history keeps its
 * address after the cell has been switched off. A JetStream mirror keeps the sequence numbers.
 */
import { JetStreamApiError, StorageType } from "@nats-io/jetstream";
import { logStream } from "@plexus/protocol";
import { type NatsConnection, streamsOf } from "@plexus/runtime";

/** What JetStream answers where there is no such stream. */
const STREAM_NOT_FOUND = 10059;

export class LogMirror {
  readonly #nats: NatsConnection;
  readonly #cell: string;
  readonly #hubDomain: string;

  constructor(nats: NatsConnection, cell: string, hubDomain: string) {
    this.#nats = nats;
    this.#cell = cell;
    this.#hubDomain = hubDomain;
  }

  /** Makes the mirror if there is none. */
  async ensure(): Promise<void> {
    const hub = await streamsOf(this.#nats, this.#hubDomain);
    const name = logStream(this.#cell);
    if ((await hub.streams.info(name).catch(() => null)) !== null) return;
    await hub.streams.add({
      name,
      storage: StorageType.File,
      allow_direct: true,
      mirror: { name, external: { api: `$JS.${this.#cell}.API`, deliver: "" } },
    });
  }

  /** Whether the mirror holds all that the log holds now. */
  async isComplete(): Promise<boolean> {
    const name = logStream(this.#cell);
    const [hub, own] = await Promise.all([
      streamsOf(this.#nats, this.#hubDomain),
      streamsOf(this.#nats, this.#cell),
    ]);
    const [mirror, log] = await Promise.all([hub.streams.info(name), own.streams.info(name)]);
    return mirror.state.last_seq >= log.state.last_seq;
  }

  /** Removes the mirror: the cell itself answers again. */
  async drop(): Promise<void> {
    const hub = await streamsOf(this.#nats, this.#hubDomain);
    await hub.streams.delete(logStream(this.#cell)).catch((error: unknown) => {
      if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
    });
  }
}
