/**
 * Moving the channels that nobody asks for. A channel that is in use moves with the first command that reaches
 * its new home; the mover of its old cell sees to the rest, at a bounded pace, until the log holds no channel
 * that is at home elsewhere. One worker of a cell is its mover: the owner of partition 0. If it dies, the next
 * one begins anew and finds most of the work done.
 */
import { parseLogSubject } from "@plexus/protocol";
import {
  activate,
  cellsToSweep,
  comeBack,
  type DirectoryStore,
  finish,
  homeOf,
  type Logger,
  type Operation,
  type OperationStore,
  startOperation,
} from "@plexus/runtime";
import type { ChannelLog } from "./log.js";
import * as metrics from "./metrics.js";
import type { LogMirror } from "./mirror.js";

export interface MoverOptions {
  /** Quiet channels given away per second at most. */
  movesPerSecond: number;
  /** And at once. */
  concurrentMoves: number;
}

export interface MoverContext {
  readonly cell: string;
  readonly log: ChannelLog;
  readonly directory: DirectoryStore;
  readonly operations: OperationStore;
  readonly logger: Logger;
  readonly options: MoverOptions;
  /** Where the log is kept for later, once the cell drains; null where all cells share one NATS. */
  readonly mirror: LogMirror | null;
  /** Whether this worker is the one that moves. */
  isLeader(): boolean;
  /** Every subject of this cell's log. */
  subjects(): Promise<string[]>;
  /** Has the channel's home open it, which takes it over from here. */
  open(tenant: string, channel: string): Promise<unknown>;
  /** Whether a channel lives in another cell's log. */
  livesAt(cell: string, tenant: string, channel: string): Promise<boolean>;
  /** Seals a channel that lives elsewhere without having been handed over. */
  seal(tenant: string, channel: string, to: string): Promise<void>;
}

const TICK_MS = 500;
/** Commands that were on their way when the directory changed have arrived by then. */
const SETTLE_MS = 500;
const MIRROR_LOOK_MS = 200;
const MIRROR_LOOKS = 300;
const PROGRESS_INTERVAL_MS = 300;

interface Channel {
  readonly subject: string;
  readonly tenant: string;
  readonly channel: string;
  readonly home: string;
}

export class Mover {
  readonly #context: MoverContext;
  readonly #timer: NodeJS.Timeout;
  #busy = false;
  #stopped = false;
  /** Version of the directory for which this cell is done. */
  #doneWith = 0;

  constructor(context: MoverContext) {
    this.#context = context;
    this.#timer = setInterval(() => void this.#tick(), TICK_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    if (this.#busy || this.#stopped || !this.#context.isLeader()) return;
    this.#busy = true;
    try {
      await this.#work();
    } catch (error) {
      this.#context.logger.warn({ err: error }, "moving channels was interrupted, trying again");
    } finally {
      this.#busy = false;
    }
  }

  async #work(): Promise<void> {
    const { cell, directory } = this.#context;
    const { current } = directory;
    const state = this.#state;
    if (state === "joining" && !current.operation) return this.#join();
    if (state === "down") return this.#return();
    const { operation } = current;
    if (!operation) return;
    if (cellsToSweep(current).includes(cell) && this.#doneWith < current.version)
      await this.#sweep(operation);
    await this.#finishIfDone(operation);
  }

  get #state() {
    const { cell, directory } = this.#context;
    return directory.current.cells.find((entry) => entry.id === cell)?.state;
  }

  /** A new cell takes its share of the channels as soon as no other operation is under way. */
  async #join(): Promise<void> {
    const { cell, directory, operations, logger } = this.#context;
    await startOperation({ operations, directory, kind: "join", cell, change: activate });
    logger.info({ cell }, "cell joins");
  }

  /** This cell was given up, and is back: what is at home elsewhere now is let go before it may serve again. */
  async #return(): Promise<void> {
    const { cell, directory, logger } = this.#context;
    const left = await this.#moveAll(() => undefined, true);
    if (left > 0) return;
    await directory.change((current) => comeBack(current, cell));
    logger.warn({ cell }, "this cell was given up and is back; it can be activated");
  }

  async #sweep(operation: string): Promise<void> {
    const { version } = this.#context.directory.current;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const report = this.#reporter(operation);
    const drains = this.#state === "draining";
    if (drains) await this.#context.mirror?.ensure();
    let left = -1;
    while (left !== 0 && !this.#stopped && this.#context.directory.current.version === version)
      left = await this.#moveAll(report.progress, false);
    if (left !== 0) return;
    if (drains && !(await this.#mirrored())) return;
    if (this.#state === "active") await this.#context.mirror?.drop();
    await report.done();
    this.#doneWith = version;
  }

  /** Waits for the mirror to hold all of the log, which gets no more records. False: not yet, look again later. */
  async #mirrored(): Promise<boolean> {
    const { mirror } = this.#context;
    for (let look = 0; mirror !== null && look < MIRROR_LOOKS && !this.#stopped; look++) {
      if (await mirror.isComplete()) return true;
      await new Promise((resolve) => setTimeout(resolve, MIRROR_LOOK_MS));
    }
    return mirror === null;
  }

  /** Goes through the log once. Returns how many channels are still here that should not be. */
  async #moveAll(
    progress: (moved: number, total: number) => Promise<void> | undefined,
    force: boolean,
  ): Promise<number> {
    const { options, logger } = this.#context;
    const candidates = await this.#candidates();
    let moved = 0;
    let failed = 0;
    let next = 0;
    const startedAt = Date.now();
    const lane = async () => {
      while (next < candidates.length && !this.#stopped) {
        const dueAt = startedAt + (next * 1_000) / options.movesPerSecond;
        const channel = candidates[next++]!;
        const wait = dueAt - Date.now();
        if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
        if (await this.#move(channel, force)) moved++;
        else failed++;
        await progress(moved, candidates.length);
      }
    };
    await Promise.all(Array.from({ length: options.concurrentMoves }, lane));
    if (failed > 0) logger.warn({ failed, moved }, "some channels could not be moved yet");
    return failed + (candidates.length - moved - failed);
  }

  async #candidates(): Promise<Channel[]> {
    const { cell, directory } = this.#context;
    const found: Channel[] = [];
    for (const subject of await this.#context.subjects()) {
      const parsed = parseLogSubject(subject);
      if (parsed === null) continue;
      const { tenant, channel } = parsed;
      const home = homeOf(directory.current, tenant, channel)?.cell;
      if (home !== undefined && home !== cell) found.push({ subject, tenant, channel, home });
    }
    return found;
  }

  /** True if the channel has left this cell. */
  async #move({ subject, tenant, channel, home }: Channel, force: boolean): Promise<boolean> {
    const { log, logger } = this.#context;
    const sealed = async () => (await log.last(subject))?.head.op === "seal";
    try {
      // A seal alone is half of a move: whoever was to open the channel may have died before it did.
      const moved = (await sealed()) && (await this.#context.livesAt(home, tenant, channel));
      if (moved) return true;
      await this.#context.open(tenant, channel);
      if (await sealed()) {
        metrics.moves.inc();
        return true;
      }
      if (force) await this.#context.seal(tenant, channel, home);
      return force;
    } catch (error) {
      logger.debug({ err: error, tenant, channel }, "channel could not be moved yet");
      return false;
    }
  }

  #reporter(operation: string) {
    const { cell, operations } = this.#context;
    let last = { moved: 0, total: 0 };
    let reportedAt = 0;
    let writing = false;
    const write = async (done: boolean) => {
      const entry = { ...last, done };
      await operations.change(operation, (current) => ({
        ...current,
        progress: { ...current.progress, [cell]: entry },
      }));
    };
    return {
      progress: async (moved: number, total: number) => {
        // A later pass over the same log counts only what the first left over.
        last = { moved: Math.max(last.moved, moved), total: Math.max(last.total, total) };
        if (writing || Date.now() - reportedAt < PROGRESS_INTERVAL_MS) return;
        reportedAt = Date.now();
        writing = true;
        await write(false).finally(() => {
          writing = false;
        });
      },
      done: () => write(true),
    };
  }

  /** Whoever sees that every cell is done ends the operation. */
  async #finishIfDone(id: string): Promise<void> {
    const { directory, operations } = this.#context;
    const operation = await operations.get(id);
    if (operation === null || !isDone(operation, cellsToSweep(directory.current))) return;
    await directory.change((current) => finish(current, id));
    await operations.change(id, (current) =>
      current.state === "running" ? { ...current, state: "done", finishedAt: Date.now() } : current,
    );
  }
}

function isDone(operation: Operation, cells: readonly string[]): boolean {
  return cells.every((cell) => operation.progress[cell]?.done === true);
}
