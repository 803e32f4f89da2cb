import { parseLogSubject } from "@plexus/protocol";
import { type Directory, homeOf, type Logger } from "@plexus/runtime";
import type { ChannelLog } from "./log.js";

/** The log is asked so often at most, and for this share of the time at most. */
const KEEP_MS = 2_000;
const MAX_SHARE = 0.02;

export interface ChannelCountContext {
  readonly cell: string;
  readonly directory: { readonly current: Directory };
  /** This cell's log. */
  readonly log: Pick<ChannelLog, "newest"> & { size(): Promise<number> };
  isLeader(): boolean;
  readonly logger: Logger;
}

/**
 * How many channels a cell holds: those in its log that are at home here. What a channel leaves behind where it no
 * longer lives is not counted. One worker of the cell counts.
 *
 * The log knows how many channels it holds. Those among them that are at home elsewhere take a walk through all of it,
 * and are others only after the directory has changed: what is written to for the first time is at home here.
 */
export class ChannelCount {
  readonly #context: ChannelCountContext;
  #value: number | null = null;
  /** Channels in the log that are at home elsewhere; null where that is to be found out. */
  #elsewhere: number | null = null;
  #nextAt = 0;
  #countedVersion = 0;

  constructor(context: ChannelCountContext) {
    this.#context = context;
  }

  /** 0 where another worker counts. */
  get value(): number {
    return this.known ?? 0;
  }

  /** null where another worker counts, or nothing was counted yet. */
  get known(): number | null {
    return this.#context.isLeader() ? this.#value : null;
  }

  /** Counts anew if it is time to; keeps the last number where the log does not answer. */
  async refresh(): Promise<void> {
    const { directory, log, isLeader, logger } = this.#context;
    const { version, operation } = directory.current;
    const isSettled = !operation && version === this.#countedVersion;
    const startedAt = performance.now();
    // While an operation is under way, numbers of before are better than half of those after.
    if (!isLeader() || (startedAt < this.#nextAt && (operation || isSettled))) return;
    if (!isSettled) this.#elsewhere = null;
    this.#nextAt = Number.POSITIVE_INFINITY;
    this.#countedVersion = version;
    try {
      const elsewhere = this.#elsewhere ?? (await this.#countElsewhere());
      const size = await log.size();
      // Otherwise homes have changed meanwhile, and another count has begun.
      if (version === this.#countedVersion) {
        this.#elsewhere = elsewhere;
        this.#value = size - elsewhere;
      }
    } catch (error) {
      logger.debug({ err: error }, "channels could not be counted");
    }
    const tookMs = performance.now() - startedAt;
    this.#nextAt = performance.now() + Math.max(KEEP_MS, tookMs / MAX_SHARE);
  }

  async #countElsewhere(): Promise<number> {
    // A walk begins with the server looking through all names, and answering nobody meanwhile: 0.3 s for 200,000.
    if (this.#context.directory.current.cells.length === 1) return 0;
    let count = 0;
    await this.#context.log.newest((subject) => {
      if (!this.#isHome(subject)) count++;
    });
    return count;
  }

  #isHome(subject: string): boolean {
    const parsed = parseLogSubject(subject);
    if (parsed === null) return false;
    const { directory, cell } = this.#context;
    return homeOf(directory.current, parsed.tenant, parsed.channel)?.cell === cell;
  }
}
