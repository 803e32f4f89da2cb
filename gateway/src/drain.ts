import type { ByeFrame } from "@plexus/protocol";
import type { Logger } from "@plexus/runtime";
import type { Connection } from "./connection.js";
import type { Connections } from "./connections.js";

const TICK_MS = 50;
/** As many connections as a drain sends away in this time are few: nobody feels it if they all come at once. */
const FEW_SPREAD_MS = 1_500;
const FEW_PER_SECOND = 1_000;
/** From the last close to the last socket's end. */
const STOP_SLACK_MS = 1_000;
/** What a stop does once nobody is connected: last words to the bus, which may be away. */
const ENDING_MS = 6_000;

export interface DrainOptions {
  /** Connections that are told to go, per second. */
  perSecond: number;
  /** Milliseconds until a connection that was told to go is closed. */
  graceMs: number;
  /** Clients that are told to go connect elsewhere after a random time within this; less than the grace. */
  reconnectWithinMs: number;
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
  readonly #reconnect: ByeFrame["reconnect"];
  readonly #waiting: Connection[];
  readonly #leaving: Array<{ connection: Connection; closeAt: number }> = [];
  readonly #startedAt: number;
  readonly #timer: NodeJS.Timeout;
  #told = 0;

  constructor(connections: Connections, options: DrainOptions) {
    connections.draining = true;
    this.#connections = connections;
    this.#options = options;
    this.#reconnect = { min: 0, max: Math.round(options.reconnectWithinMs) };
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
      connection.sayGoodBye("draining", this.#reconnect);
      this.#leaving.push({ connection, closeAt: now + this.#options.graceMs });
    }
    while (this.#leaving[0] !== undefined && this.#leaving[0].closeAt <= now)
      this.#leaving.shift()!.connection.close("draining", this.#reconnect);
    if (this.done) this.stop();
  }
}

export interface StopOptions {
  /** The pace of a drain. */
  perSecond: number;
  /** Milliseconds until a connection that was told to go is closed. */
  graceMs: number;
  /** Milliseconds that the process has for all of its stop. */
  withinMs: number;
}

/** Connections told to go per second by a gateway that is asked to end: as in a drain, if there is time for that. */
export function stopPace(count: number, { perSecond, graceMs, withinMs }: StopOptions): number {
  const spreadMs = Math.max(FEW_SPREAD_MS, withinMs - graceMs - STOP_SLACK_MS - ENDING_MS);
  const isFew = count * 1_000 <= perSecond * FEW_SPREAD_MS;
  const calm = isFew ? Math.max(FEW_PER_SECOND, perSecond) : perSecond;
  return Math.max(calm, Math.ceil((count * 1_000) / spreadMs));
}

/** Sends all connections away because the process is asked to end. Resolves when they are gone, or after the grace. */
export async function drainToStop(
  connections: Connections,
  options: StopOptions,
  log: Logger,
): Promise<void> {
  const { graceMs, withinMs } = options;
  const perSecond = stopPace(connections.size, options);
  const drain = new Drain(connections, { perSecond, graceMs, reconnectWithinMs: graceMs / 3 });
  const spreadMs = Math.ceil((drain.total * 1_000) / perSecond);
  if (drain.total > 0) log.info({ total: drain.total, perSecond, spreadMs }, "sending connections away");
  const patienceMs = Math.min(spreadMs + TICK_MS + graceMs + STOP_SLACK_MS, withinMs - ENDING_MS);
  const deadlineAt = performance.now() + patienceMs;
  while (!drain.done && performance.now() < deadlineAt)
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  drain.stop();
}
