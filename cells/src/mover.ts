/**
 * Moving the channels that nobody asks for. A channel that is in use moves with the first command that reaches
 * its new home; the mover of its old cell sees to the rest, until the log holds no channel that is at home
 * elsewhere. One worker of a cell is its mover: the owner of partition 0. If it dies, the next one begins anew and
 * finds most of the work done.
 */
import {
  activate,
  cellsToSweep,
  comeBack,
  type DirectoryStore,
  finish,
  type Logger,
  type Operation,
  type OperationStore,
  startOperation,
} from "@plexus/runtime";
import type { LogMirror } from "./mirror.js";
import { Sweep, type SweepContext } from "./sweep.js";

export interface MoverContext extends Omit<SweepContext, "directory" | "isOver" | "patience"> {
  readonly directory: DirectoryStore;
  readonly operations: OperationStore;
  readonly logger: Logger;
  /** Where the log is kept for later, once the cell drains; null where all cells share one NATS. */
  readonly mirror: LogMirror | null;
  /** Whether this worker is the one that moves. */
  isLeader(): boolean;
}

const TICK_MS = 500;
/** Commands that were on their way when the directory changed have arrived by then. */
const SETTLE_MS = 500;
const MIRROR_LOOK_MS = 200;
const MIRROR_LOOKS = 300;
const PROGRESS_INTERVAL_MS = 300;
/** Where all cells are up, a channel that does not move after so many passes never will. */
const PATIENCE_PASSES = 20;

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
    const sweep = this.#sweepOf(directory.current.version, 0);
    if (!(await sweep.run(async () => undefined))) return;
    await directory.change((current) => comeBack(current, cell));
    logger.warn({ cell }, "this cell was given up and is back; it can be activated");
  }

  async #sweep(operation: string): Promise<void> {
    const { version } = this.#context.directory.current;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const report = this.#reporter(operation);
    const drains = this.#state === "draining";
    if (drains) await this.#context.mirror?.ensure();
    if (!(await this.#sweepOf(version, PATIENCE_PASSES).run(report.progress))) return;
    if (drains && !(await this.#mirrored())) return;
    if (this.#state === "active") await this.#context.mirror?.drop();
    await report.done();
    this.#doneWith = version;
  }

  /** A sweep that ends when homes change again. */
  #sweepOf(version: number, patience: number): Sweep {
    const { directory } = this.#context;
    return new Sweep({
      ...this.#context,
      patience,
      directory: () => directory.current,
      isOver: () => this.#stopped || directory.current.version !== version,
    });
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

  #reporter(operation: string) {
    const { cell, operations } = this.#context;
    let last = { moved: 0, total: 0 };
    let reportedAt = Number.NEGATIVE_INFINITY;
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
        last = { moved, total };
        if (writing || performance.now() - reportedAt < PROGRESS_INTERVAL_MS) return;
        reportedAt = performance.now();
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
