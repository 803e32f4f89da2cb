/**
 * Moving the channels that nobody asks for. A channel that is in use moves with the first command that reaches
 * its new home; the mover of its old cell sees to the rest, until the log holds no channel that is at home
 * elsewhere. One worker of a cell is its mover: the owner of partition 0. If it dies, the next one begins anew and
 * finds most of the work done.
 */
import {
  activate,
  backoffMs,
  cellsToSweep,
  comeBack,
  type DirectoryStore,
  finish,
  type Logger,
  leavesHomeless,
  type Operation,
  type OperationStore,
  startOperation,
  unparked,
} from "@plexus/runtime";
import * as metrics from "./metrics.js";
import type { LogMirror } from "./mirror.js";
import { Patience } from "./patience.js";
import { ReturnOperation } from "./return-operation.js";
import { Sweep, type SweepContext } from "./sweep.js";

export interface MoverContext
  extends Omit<SweepContext, "directory" | "isOver" | "patience" | "keepsHomeless"> {
  readonly directory: DirectoryStore;
  readonly operations: OperationStore;
  readonly logger: Logger;
  /** Where the log is kept for later, once the cell drains; null where all cells share one NATS. */
  readonly mirror: LogMirror | null;
  /** Milliseconds without any progress after which what fails is parked until an operator has it run again. */
  readonly parkAfterMs: number;
  /** Whether this worker is the one that moves. */
  isLeader(): boolean;
}

const TICK_MS = 500;
/** Work that was interrupted is taken up again so soon at the latest. */
const MAX_WAIT_MS = 8_000;
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
  #failures = 0;
  readonly #patience: Patience;
  /** Channels moved so far, in all sweeps. */
  #moved = 0;
  /** What is worked for; what goes wrong is said there, whatever the directory names by then. */
  #operation: string | null = null;
  /** The operation of which this cell's part is parked. */
  #parked: string | null = null;
  #notBefore = Number.NEGATIVE_INFINITY;
  readonly #return: ReturnOperation;

  constructor(context: MoverContext) {
    this.#context = context;
    this.#return = new ReturnOperation(context.cell, context.operations);
    this.#patience = new Patience(context.parkAfterMs);
    this.#timer = setInterval(() => void this.#tick(), TICK_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    // Whoever leads meanwhile may begin a return, and end it.
    if (!this.#context.isLeader()) return this.#return.forget();
    if (this.#busy || this.#stopped) return;
    if (performance.now() < this.#notBefore) return;
    this.#busy = true;
    try {
      await this.#work();
      this.#failures = 0;
      this.#patience.renew();
    } catch (error) {
      this.#notBefore = performance.now() + backoffMs(this.#failures++, TICK_MS, MAX_WAIT_MS);
      this.#context.logger.warn({ err: error }, "moving channels was interrupted, trying again");
      await this.#tell(error instanceof Error ? error.message : String(error));
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Writes what is wrong into the operation that is worked for, where an operator sees it; null: nothing is any more. What has
   * been wrong for long is parked with that.
   */
  async #tell(trouble: string | null): Promise<void> {
    const { cell, operations, logger } = this.#context;
    const operation = this.#operation;
    if (trouble === null) this.#patience.renew();
    const parks = trouble !== null && this.#patience.failed(performance.now(), this.#moved);
    if (operation === null) return;
    try {
      await operations.change(operation, (current) => withTrouble(current, cell, trouble, parks));
      if (!parks) return;
      this.#parked = operation;
      metrics.parked.inc();
      logger.error({ operation, trouble }, "this cell's part of an operation is parked for an operator");
    } catch (error) {
      logger.debug({ err: error, trouble }, "an operation's trouble could not be written down");
    }
  }

  /** Of one directory all along: another may come at every `await`, with another operation. */
  async #work(): Promise<void> {
    const { cell, directory } = this.#context;
    const { current } = directory;
    const state = this.#state;
    this.#workFor(state === "down" ? this.#return.id : (current.operation ?? null));
    if (state === "joining" && (!current.operation || leavesHomeless(current))) return this.#join();
    if (state === "down") return this.#comeBack();
    await this.#return.end();
    const { operation, version } = current;
    if (!operation || (await this.#isParked(operation))) return;
    if (cellsToSweep(current).includes(cell) && this.#doneWith < version)
      await this.#sweep(operation, version);
    await this.#finishIfDone(operation);
  }

  /** Each operation gets all of the patience. */
  #workFor(operation: string | null): void {
    if (operation === this.#operation) return;
    this.#operation = operation;
    this.#patience.renew();
  }

  /** Until an operator has it run again; asked each time only while it is. */
  async #isParked(operation: string): Promise<boolean> {
    const { cell, operations } = this.#context;
    const part = (await operations.get(operation))?.progress[cell];
    this.#parked = part?.parked === true ? operation : null;
    return this.#parked !== null;
  }

  get #state() {
    const { cell, directory } = this.#context;
    return directory.current.cells.find((entry) => entry.id === cell)?.state;
  }

  /** A new cell takes its share of the channels as soon as no other operation is under way, or waits for such a one. */
  async #join(): Promise<void> {
    const { cell, directory, operations, logger } = this.#context;
    await startOperation({ operations, directory, kind: "join", cell, change: activate });
    logger.info({ cell }, "cell joins");
  }

  /** This cell was given up, and is back: what is at home elsewhere now is let go before it may serve again. */
  async #comeBack(): Promise<void> {
    const { cell, directory, logger } = this.#context;
    const { version } = directory.current;
    const operation = await this.#return.open(version);
    this.#workFor(operation);
    if (await this.#isParked(operation)) return;
    const report = this.#reporter(operation);
    const tell = (trouble: string | null) => this.#tell(trouble);
    if (!(await this.#sweepOf(version, 0, true).run(report.progress, tell))) return;
    await report.done();
    await directory.change((current) => comeBack(current, cell));
    await this.#return.end();
    logger.warn({ cell }, "this cell was given up and is back; it can be activated");
  }

  async #sweep(operation: string, version: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const report = this.#reporter(operation);
    const drains = this.#state === "draining";
    if (drains) await this.#context.mirror?.ensure();
    const tell = (trouble: string | null) => this.#tell(trouble);
    if (!(await this.#sweepOf(version, PATIENCE_PASSES).run(report.progress, tell))) return;
    if (drains && !(await this.#mirrored())) return tell("the mirror of its log is not complete yet");
    if (this.#state === "active") await this.#context.mirror?.drop();
    await report.done();
    this.#doneWith = version;
  }

  /** A sweep that ends when homes change again, or when somebody else sees to it. */
  #sweepOf(version: number, patience: number, keepsHomeless = false): Sweep {
    const { directory, isLeader } = this.#context;
    const isMine = () => !this.#stopped && this.#parked === null && isLeader();
    return new Sweep({
      ...this.#context,
      patience,
      keepsHomeless,
      directory: () => directory.current,
      isOver: () => !isMine() || directory.current.version !== version,
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
    const { cell, operations, logger } = this.#context;
    let last = { moved: 0, total: 0 };
    let reportedAt = Number.NEGATIVE_INFINITY;
    let writing = false;
    const write = async (done: boolean) => {
      await operations.change(operation, (before) => {
        // A move that outlived its sweep says how far that one was.
        if (!done && before.progress[cell]?.done === true) return before;
        const current = done ? withTrouble(before, cell, null) : before;
        const entry = { ...current.progress[cell], ...last, done };
        return { ...current, progress: { ...current.progress, [cell]: entry } };
      });
    };
    return {
      progress: async (moved: number, total: number) => {
        this.#moved += moved - last.moved;
        last = { moved, total };
        if (writing || performance.now() - reportedAt < PROGRESS_INTERVAL_MS) return;
        reportedAt = performance.now();
        writing = true;
        try {
          await write(false);
        } catch (error) {
          logger.debug({ err: error, operation }, "how far an operation is could not be written down");
        }
        writing = false;
      },
      done: () => write(true),
    };
  }

  /** Whoever sees that every cell is done ends the operation. */
  async #finishIfDone(id: string): Promise<void> {
    const { directory, operations } = this.#context;
    const operation = await operations.get(id);
    if (operation === null || !isDone(operation, cellsToSweep(directory.current))) return;
    const { operation: next } = await directory.change((current) => finish(current, id));
    // Replaced in the meantime: whoever did that says so.
    if (next) return;
    await operations.change(id, (current) =>
      current.state === "running" ? { ...unparked(current), state: "done", finishedAt: Date.now() } : current,
    );
  }
}

/**
 * An operation that can't go on says why, and is not given up: what it waits for may come back. Each cell takes back
 * only its own words. `parks`: the cell does no more for it until {@link unparked}.
 */
export function withTrouble(
  operation: Operation,
  cell: string,
  trouble: string | null,
  parks = false,
): Operation {
  if (operation.state !== "running") return operation;
  if (trouble === null) return unparked(operation, cell);
  const error = `${cell}: ${trouble}`;
  if (error === operation.error && !parks) return operation;
  if (!parks) return { ...operation, error };
  const part = operation.progress[cell] ?? { moved: 0, total: 0, done: false };
  return { ...operation, error, progress: { ...operation.progress, [cell]: { ...part, parked: true } } };
}

function isDone(operation: Operation, cells: readonly string[]): boolean {
  return cells.every((cell) => operation.progress[cell]?.done === true);
}
