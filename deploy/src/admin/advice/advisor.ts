import type { DirectoryStore, Load, Logger, OperationStore } from "@plexus/runtime";
import { type Advice, advise, type Policy } from "./advise.js";
import { Collector, History } from "./samples.js";
import { MAX_GAP_SAMPLES } from "./windows.js";

/** Operations among which the last change of the cells is looked for. */
const LOOKED_AT = 50;

/** A bucket that does not answer must not keep the signals from being shown. */
const OPERATIONS_WAIT_MS = 3_000;

/** Keeps the samples that advice rests on. After a start it has none, and says so. */
export class Advisor {
  readonly policy: Policy;
  readonly #directory: DirectoryStore;
  readonly #operations: OperationStore;
  readonly #log: Logger;
  readonly #collector = new Collector();
  readonly #history: History;
  readonly #timer: NodeJS.Timeout;
  #changedAt: number | null = null;

  constructor(context: {
    policy: Policy;
    directory: DirectoryStore;
    operations: OperationStore;
    log: Logger;
  }) {
    const { policy, directory, operations, log } = context;
    this.policy = policy;
    this.#directory = directory;
    this.#operations = operations;
    this.#log = log;
    const { upMs, downMs, sampleMs } = policy;
    this.#history = new History(Math.max(upMs, downMs) + sampleMs * MAX_GAP_SAMPLES);
    this.#timer = setInterval(() => this.#history.add(this.#take()), sampleMs);
    directory.onChange(() => {
      this.#changedAt = performance.now();
      // What was said up to now was measured before.
      this.#take();
    });
  }

  heard(load: Load): void {
    this.#collector.heard(load);
  }

  async advice(): Promise<Advice> {
    const sinceChangeMs = await this.#sinceChange();
    const { operation } = this.#directory.current;
    const situation = {
      samples: this.#history.samples,
      now: performance.now(),
      operation: operation ?? null,
      sinceChangeMs,
    };
    return advise(situation, this.policy);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #take() {
    const { cells, version } = this.#directory.current;
    return this.#collector.take(cells, version, performance.now());
  }

  /** By what was seen here, and by the operations of before this process started. */
  async #sinceChange(): Promise<number | null> {
    const seen = this.#changedAt === null ? [] : [performance.now() - this.#changedAt];
    try {
      const operations = await inTime(this.#operations.list(LOOKED_AT));
      const now = Date.now();
      const since = operations
        .filter(({ kind }) => kind !== "gateway-drain")
        .map(({ startedAt, finishedAt }) => Math.max(0, now - (finishedAt ?? startedAt)));
      const all = [...seen, ...since];
      return all.length === 0 ? null : Math.min(...all);
    } catch (error) {
      this.#log.warn({ err: error }, "operations could not be read");
      // Nobody knows: that is no ground for a change.
      return 0;
    }
  }
}

function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), OPERATIONS_WAIT_MS);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
