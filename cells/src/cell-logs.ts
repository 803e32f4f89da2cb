import { PlexusError } from "@plexus/protocol";
import type { Logger, NatsConnection } from "@plexus/runtime";
import { JetStreamLog, type LogOptions } from "./jetstream-log.js";
import type { Append, AppendOutcome, ChannelLog, StoredRecord } from "./log.js";

/** A log that could not be reached is not tried again for so long: whoever needs it is told at once. */
const RETRY_MS = 2_000;

/**
 * The logs of other cells, opened when a channel's past leads there, and kept. Where cells have brokers of their
 * own, a log that does not answer is read from its mirror in the hub.
 */
export class CellLogs {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #options: LogOptions;
  readonly #hubDomain: string | undefined;
  readonly #open = new Map<string, Promise<JetStreamLog>>();

  constructor(nats: NatsConnection, log: Logger, options: LogOptions, hubDomain: string | undefined) {
    this.#nats = nats;
    this.#log = log;
    this.#options = options;
    this.#hubDomain = hubDomain;
  }

  /** Rejects with `unavailable` if neither the cell's log nor a mirror of it can be reached. */
  async of(cell: string): Promise<ChannelLog> {
    if (this.#hubDomain === undefined) return this.#in(undefined, cell);
    const [own, mirror] = [() => this.#in(cell, cell), () => this.#in(this.#hubDomain, cell)];
    try {
      return new MirroredLog(await own(), mirror);
    } catch {
      return new MirroredLog(await mirror(), mirror);
    }
  }

  async stop(): Promise<void> {
    const logs = await Promise.allSettled(this.#open.values());
    for (const log of logs) if (log.status === "fulfilled") log.value.stop();
  }

  #in(domain: string | undefined, cell: string): Promise<JetStreamLog> {
    const key = `${domain ?? ""}/${cell}`;
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const opening = JetStreamLog.openExisting(this.#nats, cell, this.#log, this.#options, domain);
    const guarded = opening.catch((cause: unknown) => {
      setTimeout(() => this.#open.delete(key), RETRY_MS).unref();
      throw new PlexusError("unavailable", `the log of cell ${cell} can't be reached`, {
        retry: RETRY_MS,
        cause,
      });
    });
    this.#open.set(key, guarded);
    return guarded;
  }
}

/** Reads from a log, and where that fails, from its mirror; appends go to the log alone. */
class MirroredLog implements ChannelLog {
  readonly #log: JetStreamLog;
  readonly #mirror: () => Promise<ChannelLog>;

  constructor(log: JetStreamLog, mirror: () => Promise<ChannelLog>) {
    this.#log = log;
    this.#mirror = mirror;
  }

  get incarnation(): string {
    return this.#log.incarnation;
  }

  append(append: Append, done: (outcome: AppendOutcome) => void): void {
    this.#log.append(append, done);
  }

  last(subject: string): Promise<StoredRecord | null> {
    return this.#try((log) => log.last(subject));
  }

  next(subject: string, logSeq: number): Promise<StoredRecord | null> {
    return this.#try((log) => log.next(subject, logSeq));
  }

  newest(...args: Parameters<ChannelLog["newest"]>): Promise<void> {
    return this.#try((log) => log.newest(...args));
  }

  read(...args: Parameters<ChannelLog["read"]>): Promise<StoredRecord[]> {
    return this.#try((log) => log.read(...args));
  }

  trim(subject: string, belowLogSeq: number): Promise<void> {
    return this.#log.trim(subject, belowLogSeq);
  }

  async #try<T>(ask: (log: ChannelLog) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#log);
    } catch (error) {
      const mirror = await this.#mirror().catch(() => null);
      if (mirror === null) throw error;
      return ask(mirror);
    }
  }
}
