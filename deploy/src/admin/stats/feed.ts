import { subjects } from "@plexus/protocol";
import {
  type DirectoryStore,
  type Load,
  type Logger,
  type NatsConnection,
  type Subscription,
  subscribe,
} from "@plexus/runtime";
import type { Operations } from "../operations.js";
import type { EventStream } from "../sse.js";
import { LoadBoard } from "./board.js";
import type { Stats } from "./schemas.js";

const SAMPLE_INTERVAL_MS = 1_000;

/** Hears what gateways and workers say of their load, and tells those who follow it once a second. */
export class StatsFeed {
  readonly board = new LoadBoard();
  readonly #directory: DirectoryStore;
  readonly #operations: Operations;
  readonly #log: Logger;
  readonly #subscription: Subscription;
  readonly #followers = new Set<EventStream>();
  readonly #timer: NodeJS.Timeout;

  constructor(context: {
    nats: NatsConnection;
    directory: DirectoryStore;
    operations: Operations;
    /** Hears it as well. */
    advisor: { heard(load: Load): void };
    log: Logger;
  }) {
    const { nats, directory, operations, advisor, log } = context;
    this.#directory = directory;
    this.#operations = operations;
    this.#log = log;
    this.#subscription = subscribe(nats, subjects.load, log, (message) => {
      const load = message.json<Load>();
      this.board.heard(load, performance.now());
      advisor.heard(load);
    });
    this.#timer = setInterval(() => void this.#tell(), SAMPLE_INTERVAL_MS);
  }

  async sample(): Promise<Stats> {
    const { cells, operation } = this.#directory.current;
    const left = operation ? await this.#leftIn(operation) : new Map<string, number>();
    const listed = cells.map(({ id }) => ({ id, left: left.get(id) ?? 0 }));
    return this.board.sample(listed, performance.now(), Date.now());
  }

  /** The workers of a cell that said their load of late. */
  workersHeardIn(cell: string): string[] {
    const heard = this.board.workers(performance.now()).filter((load) => load.cell === cell);
    return [...new Set(heard.map(({ id }) => id))];
  }

  /** Sends a sample now, and each second from then on. */
  async follow(stream: EventStream): Promise<void> {
    this.#followers.add(stream);
    stream.signal.addEventListener("abort", () => this.#followers.delete(stream));
    send(stream, await this.sample());
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription.unsubscribe();
  }

  async #tell(): Promise<void> {
    if (this.#followers.size === 0) return;
    const stats = await this.sample();
    for (const stream of this.#followers) send(stream, stats);
  }

  /** What a cell holds is shown even where nobody can say what is to move. */
  async #leftIn(operation: string): Promise<Map<string, number>> {
    try {
      return await this.#operations.leftIn(operation);
    } catch (error) {
      this.#log.debug({ err: error, operation }, "an operation could not be read");
      return new Map();
    }
  }
}

function send(stream: EventStream, stats: Stats): void {
  stream.send("stats", JSON.stringify(stats));
}
