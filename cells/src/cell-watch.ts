import { subjects } from "@plexus/protocol";
import {
  cellOf,
  type DirectoryStore,
  declareDown,
  type Logger,
  type NatsConnection,
  type OperationStore,
  startOperation,
} from "@plexus/runtime";

const PING_INTERVAL_MS = 1_000;
const PING_DEADLINE_MS = 900;

export interface CellWatchContext {
  readonly nats: NatsConnection;
  readonly cell: string;
  readonly directory: DirectoryStore;
  readonly operations: OperationStore;
  /** Milliseconds of silence after which a cell is given up. */
  readonly graceMs: number;
  readonly log: Logger;
  isLeader(): boolean;
}

/**
 * Watches the other cells: one that has not answered for the grace period is declared down, so that its
 * channels open elsewhere. Only the leader of a cell does this, and only while it hears its own cell.
 */
export class CellWatch {
  readonly #context: CellWatchContext;
  /** Since when a cell has not answered. */
  readonly #silentSince = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #busy = false;

  constructor(context: CellWatchContext) {
    this.#context = context;
    this.#timer = setInterval(() => void this.#tick(), PING_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    const { cell, directory, log } = this.#context;
    if (!this.#context.isLeader()) return this.#silentSince.clear();
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (!(await this.#answers(cell))) return this.#silentSince.clear();
      const others = directory.current.cells.filter(
        (entry) => entry.id !== cell && (entry.state === "active" || entry.state === "draining"),
      );
      // The silence of one that is not watched meanwhile says nothing about it once it is back.
      for (const id of this.#silentSince.keys())
        if (!others.some((entry) => entry.id === id)) this.#silentSince.delete(id);
      await Promise.all(others.map((entry) => this.#look(entry.id)));
    } catch (error) {
      log.warn({ err: error }, "cells could not be watched");
    } finally {
      this.#busy = false;
    }
  }

  async #look(id: string): Promise<void> {
    if (await this.#answers(id)) {
      this.#silentSince.delete(id);
      return;
    }
    const now = performance.now();
    const since = this.#silentSince.get(id) ?? now;
    this.#silentSince.set(id, since);
    const { graceMs, log, directory, operations } = this.#context;
    if (now - since < graceMs || cellOf(directory.current, id).state === "down") return;
    log.error({ cell: id, silentMs: now - since }, "a cell does not answer, declaring it down");
    await startOperation({ operations, directory, kind: "down", cell: id, change: declareDown });
  }

  #answers(cell: string): Promise<boolean> {
    return this.#context.nats.request(subjects.ping(cell), "", { timeout: PING_DEADLINE_MS }).then(
      () => true,
      () => false,
    );
  }
}
