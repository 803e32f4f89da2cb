/**
 * Emptying a cell's log of the channels that are at home elsewhere, pass by pass, until there are none and every one
 * of them has arrived. Most of those in use have moved by then; a sweep sees to the rest at a bounded pace.
 */
import { setTimeout as pause } from "node:timers/promises";
import { PlexusError, parseLogSubject, subjects } from "@plexus/protocol";
import { backoffMs, type Directory, homeOf, type Logger } from "@plexus/runtime";
import type { ChannelLog } from "./log.js";
import * as metrics from "./metrics.js";

export interface SweepOptions {
  /** Quiet channels given away per second at most. */
  movesPerSecond: number;
  /** And at once. */
  concurrentMoves: number;
}

export interface SweepContext {
  readonly cell: string;
  readonly log: ChannelLog;
  readonly logger: Logger;
  readonly options: SweepOptions;
  directory(): Directory;
  /** The log of another cell. */
  logOf(cell: string): Promise<ChannelLog>;
  /** Has the channel's home open it, which takes it over from here. */
  open(tenant: string, channel: string): Promise<unknown>;
  /** Seals a channel that lives elsewhere without having been handed over. */
  seal(tenant: string, channel: string, to: string): Promise<void>;
  /** Whether it has become pointless. */
  isOver(): boolean;
  /** Channels that no cell may serve at the moment stay: they are at home here once this cell is active again. */
  readonly keepsHomeless: boolean;
  /**
   * Passes after which a channel that its home serves, and that is still here, is sealed: it lives there in a life of
   * its own, and nobody will ever ask for it here.
   */
  readonly patience: number;
}

/** The pace is reached so long after the beginning, while the channels in use move by themselves. */
const RAMP_MS = 4_000;
/** Between a pass that moved channels and the look at what it has left. */
const REST_MS = 100;
/** After a pass with failures; longer after each one in a row, so that what can't be moved is not hammered. */
const REST_AFTER_FAILURE_MS = 500;
const MAX_REST_MS = 4_000;

interface Channel {
  readonly subject: string;
  readonly tenant: string;
  readonly channel: string;
  /** undefined while no cell may serve it. */
  readonly home: string | undefined;
}

type HousedChannel = Channel & { readonly home: string };

/** Never rejects. */
type Progress = (moved: number, total: number) => Promise<void>;
/** What keeps channels from being moved at the moment, in words for an operator; null: nothing does any more. */
type Trouble = (what: string | null) => Promise<void>;

export class Sweep {
  readonly #context: SweepContext;
  #passes = 0;
  #moved = 0;
  #failedPasses = 0;
  #lastFailure = "";

  constructor(context: SweepContext) {
    this.#context = context;
  }

  /** Resolves to true when nothing is left, to false where it was over before. */
  async run(progress: Progress, trouble: Trouble = async () => undefined): Promise<boolean> {
    while (!this.#context.isOver()) {
      const { here, sealed } = await this.#look();
      const left = here.length > 0 ? here : await this.#notArrived(sealed);
      if (left.length === 0) return true;
      const failed = await this.#pass(left, progress);
      if (this.#context.isOver()) return false;
      if (failed === 0) {
        if (this.#failedPasses > 0) await trouble(null);
        this.#failedPasses = 0;
        await pause(REST_MS);
        continue;
      }
      const last = this.#lastFailure;
      this.#context.logger.warn({ failed, of: left.length, last }, "some channels could not be moved yet");
      await trouble(`channels that can't be moved yet and are tried again: ${failed}, the last one ${last}`);
      await pause(backoffMs(this.#failedPasses++, REST_AFTER_FAILURE_MS, MAX_REST_MS));
    }
    return false;
  }

  /** The channels of this log that are at home elsewhere: those that live here, and those that were given away. */
  async #look(): Promise<{ here: Channel[]; sealed: HousedChannel[] }> {
    const { cell, log, directory, keepsHomeless } = this.#context;
    const current = directory();
    const here: Channel[] = [];
    const sealed: HousedChannel[] = [];
    await log.newest((subject, isSeal) => {
      const parsed = parseLogSubject(subject);
      if (parsed === null) return;
      const { tenant, channel } = parsed;
      const home = homeOf(current, tenant, channel)?.cell;
      if (home === cell) return;
      const named = { subject, tenant, channel };
      if (!isSeal && (home !== undefined || !keepsHomeless)) here.push({ ...named, home });
      else if (isSeal && home !== undefined) sealed.push({ ...named, home });
    });
    return { here, sealed };
  }

  /** A seal alone is half of a move: whoever was to open the channel may have died before it did. */
  async #notArrived(sealed: readonly HousedChannel[]): Promise<Channel[]> {
    const missing = new Map<string, Channel>();
    for (const entry of sealed) missing.set(subjects.log(entry.home, entry.tenant, entry.channel), entry);
    for (const home of new Set(sealed.map((entry) => entry.home)))
      await (await this.#context.logOf(home)).newest((subject, isSeal) => {
        if (!isSeal) missing.delete(subject);
      });
    return [...missing.values()];
  }

  /** Returns how many could not be moved. */
  async #pass(channels: readonly Channel[], progress: Progress): Promise<number> {
    const { options, isOver } = this.#context;
    const before = this.#moved;
    let next = 0;
    let failed = 0;
    const startedAt = performance.now();
    const lane = async () => {
      while (next < channels.length && !isOver()) {
        const dueAt = startedAt + dueAfterMs(next, options.movesPerSecond);
        const channel = channels[next++]!;
        const wait = dueAt - performance.now();
        if (wait > 1) await pause(wait);
        if (await this.#move(channel)) this.#moved++;
        else failed++;
        await progress(this.#moved, before + channels.length);
      }
    };
    await Promise.all(Array.from({ length: options.concurrentMoves }, lane));
    this.#passes++;
    return failed;
  }

  /** True if the channel should have moved now; the next look shows whether it has. */
  async #move({ subject, tenant, channel, home }: Channel): Promise<boolean> {
    const { log, logger, open, seal, patience } = this.#context;
    try {
      if (home === undefined) throw new PlexusError("unavailable", `no cell may serve tenant ${tenant} now`);
      await open(tenant, channel);
      if (this.#passes >= patience && (await log.last(subject))?.head.op !== "seal") {
        logger.warn({ tenant, channel, home }, "sealing a channel that its home did not take over from here");
        await seal(tenant, channel, home);
      }
      metrics.moves.inc();
      return true;
    } catch (error) {
      this.#lastFailure = `${tenant}/${channel}: ${error instanceof Error ? error.message : String(error)}`;
      logger.debug({ err: error, tenant, channel }, "channel could not be moved yet");
      return false;
    }
  }
}

/** When the move with this number (from 0) is due: at a rate that grows evenly, and then stays. */
export function dueAfterMs(move: number, perSecond: number): number {
  const inRamp = (perSecond * RAMP_MS) / 2_000;
  if (move < inRamp) return Math.sqrt((2 * RAMP_MS * move * 1_000) / perSecond);
  return RAMP_MS + ((move - inRamp) * 1_000) / perSecond;
}
