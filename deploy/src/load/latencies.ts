import { createHistogram } from "node:perf_hooks";

export interface Percentiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const US_PER_MS = 1_000;

/** Latencies from when something was due, so that a server that stands still is not forgiven what waited for it. */
export class Latencies {
  readonly #histogram = createHistogram();

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * US_PER_MS)));
  }

  /** Of what was recorded since the last call; null where nothing was. */
  take(): Percentiles | null {
    const { count, max } = this.#histogram;
    if (count === 0) return null;
    const at = (percentile: number) => this.#histogram.percentile(percentile) / US_PER_MS;
    const taken = { count, p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9), maxMs: max / US_PER_MS };
    this.#histogram.reset();
    return taken;
  }
}

/** Latencies over a whole time, and over the piece of it since one last looked. */
export class WindowedLatencies {
  readonly #whole = new Latencies();
  readonly #window = new Latencies();

  record(ms: number): void {
    this.#whole.record(ms);
    this.#window.record(ms);
  }
  take(): Percentiles | null {
    return this.#whole.take();
  }
  takeWindow(): Percentiles | null {
    return this.#window.take();
  }
}

const TICK_MS = 1;

/** Calls `fire` at a rate, each time with when it was due, until the function that it returns is called. */
export function openLoop(perSecond: number, fire: (dueMs: number) => void): () => void {
  const startedAt = performance.now();
  let fired = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    for (; startedAt + (fired * 1_000) / perSecond <= now; fired++)
      fire(startedAt + (fired * 1_000) / perSecond);
  }, TICK_MS);
  return () => clearInterval(timer);
}
