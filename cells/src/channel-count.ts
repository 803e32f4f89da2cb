import { parseLogSubject } from "@plexus/protocol";
import { type DirectoryStore, homeOf, type Logger } from "@plexus/runtime";

/** Counting goes through every name of the log: so often at most, and for this share of the time at most. */
const KEEP_MS = 2_000;
const MAX_SHARE = 0.02;

/**
 * How many channels a cell holds: those in its log that are at home here. What a channel leaves behind where it no
 * longer lives is not counted. One worker of the cell counts.
 */
export class ChannelCount {
  readonly #subjects: () => Promise<string[]>;
  readonly #cell: string;
  readonly #directory: DirectoryStore;
  readonly #isLeader: () => boolean;
  readonly #log: Logger;
  #value: number | null = null;
  #nextAt = 0;
  #countedVersion = 0;

  constructor(context: {
    cell: string;
    directory: DirectoryStore;
    /** Every subject of this cell's log. */
    subjects: () => Promise<string[]>;
    isLeader: () => boolean;
    log: Logger;
  }) {
    this.#subjects = context.subjects;
    this.#cell = context.cell;
    this.#directory = context.directory;
    this.#isLeader = context.isLeader;
    this.#log = context.log;
  }

  /** 0 where another worker counts. */
  get value(): number {
    return this.known ?? 0;
  }

  /** null where another worker counts, or nothing was counted yet. */
  get known(): number | null {
    return this.#isLeader() ? this.#value : null;
  }

  /** Counts anew if it is time to; keeps the last number where the log does not answer. */
  async refresh(): Promise<void> {
    const startedAt = performance.now();
    if (!this.#isLeader() || (startedAt < this.#nextAt && !this.#isOutdated)) return;
    const { version } = this.#directory.current;
    this.#nextAt = Number.POSITIVE_INFINITY;
    this.#countedVersion = version;
    try {
      this.#value = (await this.#subjects()).filter((subject) => this.#isHome(subject)).length;
    } catch (error) {
      this.#log.debug({ err: error }, "channels could not be counted");
    }
    const tookMs = performance.now() - startedAt;
    this.#nextAt = performance.now() + Math.max(KEEP_MS, tookMs / MAX_SHARE);
  }

  /** An operation has ended since. While one is under way, numbers of before are better than half of those after. */
  get #isOutdated(): boolean {
    const { version, operation } = this.#directory.current;
    return !operation && version !== this.#countedVersion;
  }

  #isHome(subject: string): boolean {
    const parsed = parseLogSubject(subject);
    if (parsed === null) return false;
    return homeOf(this.#directory.current, parsed.tenant, parsed.channel)?.cell === this.#cell;
  }
}
