import type { ByeFrame } from "@plexus/protocol";
import type { Connection } from "./connection.js";
import type { Connections } from "./connections.js";

const TICK_MS = 50;
/** Clients that are told to go connect elsewhere after a random time within this. */
const RECONNECT: ByeFrame["reconnect"] = { min: 0, max: 3_000 };

export interface DrainOptions {
  /** Connections that are told to go, per second. */
  perSecond: number;
  /** Milliseconds until a connection that was told to go is closed. */
  graceMs: number;
}

/** How many connections may have been told to go after so long. */
export function dueAfter(elapsedMs: number, perSecond: number): number {
  return Math.floor((elapsedMs * perSecond) / 1_000);
}

/** Fisher and Yates: in random order, so that clients which came together do not leave together. */
export function shuffled<T>(items: Iterable<T>, random: () => number): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/**
 * Sends all connections away, a few at a time: each is told to go, and closed once its grace is over. An SDK connects
 * elsewhere before it leaves; whatever else is connected finishes in that time.
 */
export class Drain {
  readonly total: number;
  readonly #connections: Connections;
  readonly #options: DrainOptions;
  readonly #waiting: Connection[];
  readonly #leaving: Array<{ connection: Connection; closeAt: number }> = [];
  readonly #startedAt: number;
  readonly #timer: NodeJS.Timeout;
  #told = 0;

  constructor(connections: Connections, options: DrainOptions) {
    connections.draining = true;
    this.#connections = connections;
    this.#options = options;
    this.#waiting = shuffled(connections.all(), Math.random);
    this.total = this.#waiting.length;
    this.#startedAt = performance.now();
    this.#timer = setInterval(() => this.#onTick(performance.now()), TICK_MS);
  }

  get moved(): number {
    return Math.max(0, this.total - this.#connections.size);
  }
  get done(): boolean {
    return this.#connections.size === 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #onTick(now: number): void {
    const due = dueAfter(now - this.#startedAt, this.#options.perSecond);
    for (; this.#told < due && this.#waiting.length > 0; this.#told++) {
      const connection = this.#waiting.pop()!;
      connection.sayGoodBye("draining", RECONNECT);
      this.#leaving.push({ connection, closeAt: now + this.#options.graceMs });
    }
    while (this.#leaving[0] !== undefined && this.#leaving[0].closeAt <= now)
      this.#leaving.shift()!.connection.close("draining", RECONNECT);
    if (this.done) this.stop();
  }
}
