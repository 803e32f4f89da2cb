import { parseLogSubject } from "@plexus/protocol";
import type { Logger } from "@plexus/runtime";

/** Counting goes through every name of the log: so often at most, and for this share of the time at most. */
const KEEP_MS = 2_000;
const MAX_SHARE = 0.02;

/**
 * How many channels a cell holds: those in its log that are at home here. What a channel leaves behind where it no
 * longer lives is not counted. One worker of the cell counts.
 */
export class ChannelCount {
  readonly #subjects: () => Promise<string[]>;
  readonly #isHome: (tenant: string, channel: string) => boolean;
  readonly #isLeader: () => boolean;
  readonly #log: Logger;
  #value = 0;
  #nextAt = 0;

  constructor(context: {
    /** Every subject of this cell's log. */
    subjects: () => Promise<string[]>;
    isHome: (tenant: string, channel: string) => boolean;
    isLeader: () => boolean;
    log: Logger;
  }) {
    this.#subjects = context.subjects;
    this.#isHome = context.isHome;
    this.#isLeader = context.isLeader;
    this.#log = context.log;
  }

  /** 0 where another worker counts. */
  get value(): number {
    return this.#isLeader() ? this.#value : 0;
  }

  /** Counts anew if it is time to; keeps the last number where the log does not answer. */
  async refresh(): Promise<void> {
    const startedAt = Date.now();
    if (!this.#isLeader() || startedAt < this.#nextAt) return;
    this.#nextAt = Number.POSITIVE_INFINITY;
    try {
      let count = 0;
      for (const subject of await this.#subjects()) {
        const parsed = parseLogSubject(subject);
        if (parsed !== null && this.#isHome(parsed.tenant, parsed.channel)) count++;
      }
      this.#value = count;
    } catch (error) {
      this.#log.debug({ err: error }, "channels could not be counted");
    }
    const tookMs = Date.now() - startedAt;
    this.#nextAt = Date.now() + Math.max(KEEP_MS, tookMs / MAX_SHARE);
  }
}
