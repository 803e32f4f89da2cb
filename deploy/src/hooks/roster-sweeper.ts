import type { JetStreamManager } from "@nats-io/jetstream";
import { subjects } from "@plexus/protocol";
import { LIFECYCLE_STREAM, type Logger, type RosterPart } from "@plexus/runtime";

/** Of one source and tenant: where its rosters begin in the stream. */
interface Seen {
  readonly subject: string;
  /** Of the newest whole one, and of the one before. */
  newest: number;
  before: number;
  /** Of the one that is being read. */
  reading: number;
  swept: number;
}

/**
 * Removes rosters that nobody needs any more from the stream: the newest whole one and the one before it stay, since
 * what the newest showed to be lost is only known beside the one before.
 */
export class RosterSweeper {
  readonly #manager: JetStreamManager;
  readonly #log: Logger;
  readonly #seen = new Map<string, Seen>();
  readonly #over = new Set<string>();
  #running = false;

  constructor(manager: JetStreamManager, log: Logger) {
    this.#manager = manager;
    this.#log = log;
  }

  seen({ source, tenant, part, last }: RosterPart, seq: number): void {
    const subject = subjects.roster(source, tenant);
    const seen = this.#seen.get(subject) ?? { subject, newest: 0, before: 0, reading: 0, swept: 0 };
    this.#seen.set(subject, seen);
    if (part === 0) seen.reading = seq;
    if (!last) return;
    seen.before = seen.newest;
    seen.newest = seen.reading;
  }

  ended(source: string): void {
    const prefix = subjects.rostersOf(source).slice(0, -1);
    for (const subject of this.#seen.keys()) if (subject.startsWith(prefix)) this.#seen.delete(subject);
    this.#over.add(source);
  }

  /** @param settled nothing is owed because of a roster or an end */
  run(settled: boolean): void {
    if (!settled || this.#running) return;
    this.#running = true;
    void this.#sweep()
      .catch((error: unknown) => this.#log.warn({ err: error }, "old rosters could not be removed"))
      .finally(() => {
        this.#running = false;
      });
  }

  async #sweep(): Promise<void> {
    for (const source of [...this.#over]) {
      await this.#manager.streams.purge(LIFECYCLE_STREAM, { filter: subjects.rostersOf(source) });
      this.#over.delete(source);
    }
    for (const seen of this.#seen.values()) {
      const { subject, before, swept } = seen;
      // The server takes a purge below the first sequence for one of everything.
      if (before <= 1 || before <= swept) continue;
      await this.#manager.streams.purge(LIFECYCLE_STREAM, { filter: subject, seq: before });
      seen.swept = before;
    }
  }
}
