import type { Connection } from "./connection.js";
import * as metrics from "./metrics.js";
import type { ConnectionRates } from "./rates.js";

const SWEEP_MS = 500;
/** A sweep that comes so late says that this process did not run: what came in meanwhile has not been read yet. */
const LATE_MS = 2 * SWEEP_MS;

export interface ConnectionsOptions {
  maxConnections: number;
  /** Connections that have not been welcomed yet. */
  maxHandshakes: number;
  helloMs: number;
  slowReaderBytes: number;
  /** A token counts for so long beyond its end. */
  clockToleranceMs: number;
  rates: ConnectionRates;
}

/** Where there are as many handshakes as there may be, one that has taken so long makes room for a new one. */
const PATIENCE_WHEN_FULL_MS = 2_000;

/** Whoever was too slow to say hello may come back within this, milliseconds. */
const LATE_SPREAD = { min: 0, max: 1_000 };

/** All connections of a gateway, and what time does to them: no hello, an expired token, reading too slowly. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #prefix: string;
  readonly #connections = new Set<Connection>();
  /** Those that were not welcome yet when they were last looked at, the oldest first. */
  readonly #handshakes = new Set<Connection>();
  readonly #unflushed: Connection[] = [];
  readonly #sweep: NodeJS.Timeout;
  #sweptAt = performance.now();
  /** The sweep before this one was passed over. */
  #passedOver = false;
  #nextNumber = 1;
  draining = false;

  /** `prefix` makes the ids of connections unique among all gateways there ever were. */
  constructor(prefix: string, options: ConnectionsOptions) {
    this.#prefix = prefix;
    this.#options = options;
    this.#sweep = setInterval(() => this.#onSweep(Date.now()), SWEEP_MS);
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Why no further connection is taken at the moment; null if one is. */
  refusal(now: number): "draining" | "full" | "busy" | null {
    if (this.draining) return "draining";
    if (this.#connections.size >= this.#options.maxConnections) return "full";
    return this.#handshakes.size < this.#options.maxHandshakes || this.#makeRoom(now) ? null : "busy";
  }

  all(): IterableIterator<Connection> {
    return this.#connections.values();
  }

  nextId(): string {
    return `${this.#prefix}-${(this.#nextNumber++).toString(36)}`;
  }

  add(connection: Connection): void {
    this.#connections.add(connection);
    this.#handshakes.add(connection);
    metrics.connections.set(this.#connections.size);
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection);
    this.#handshakes.delete(connection);
    metrics.connections.set(this.#connections.size);
  }

  /** Sends what a connection has queued at the end of this turn of the event loop. */
  readonly flushLater = (connection: Connection): void => {
    if (this.#unflushed.push(connection) === 1) setImmediate(() => this.#flush());
  };

  stop(): void {
    clearInterval(this.#sweep);
  }

  /** Sockets that say nothing must not keep everybody else out until their time is over. */
  #makeRoom(now: number): boolean {
    for (const connection of this.#handshakes) if (connection.isWelcome) this.#handshakes.delete(connection);
    if (this.#handshakes.size < this.#options.maxHandshakes) return true;
    const [oldest] = this.#handshakes;
    if (oldest === undefined || now - oldest.openedAt < PATIENCE_WHEN_FULL_MS) return false;
    this.#handshakes.delete(oldest);
    oldest.close("hello_timeout", LATE_SPREAD);
    return true;
  }

  #flush(): void {
    const connections = this.#unflushed.splice(0);
    for (const connection of connections) connection.flush();
  }

  #onSweep(now: number): void {
    const monotonic = performance.now();
    const isLate = monotonic - this.#sweptAt > LATE_MS;
    this.#sweptAt = monotonic;
    // Who said hello, showed a new token or read what was sent while this process stood still has half a second more.
    this.#passedOver = isLate && !this.#passedOver;
    if (this.#passedOver) return;
    for (const connection of this.#connections) {
      connection.usage.rest(this.#options.rates, monotonic);
      if (!connection.isWelcome) {
        if (now - connection.openedAt > this.#options.helloMs) connection.close("hello_timeout", LATE_SPREAD);
      } else if (connection.identity.expiresAt + this.#options.clockToleranceMs <= now)
        connection.close("token_expired");
      else this.#watchPace(connection, now);
    }
  }

  #watchPace(connection: Connection, now: number): void {
    if (connection.bufferedBytes <= this.#options.slowReaderBytes) connection.slowSince = 0;
    else if (connection.slowSince === 0) connection.slowSince = now;
    else connection.close("slow_reader", { min: 0, max: 1_000 });
  }
}
