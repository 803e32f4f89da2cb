/** What one step of the load counts. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { noViolations, type Violations } from "./check.js";
import { Latencies, type Percentiles, WindowedLatencies } from "./latencies.js";

const NS_PER_MS = 1_000_000;
const LAG_RESOLUTION_MS = 10;

/** Counts by code, of errors or closes. */
export type ByCode = Record<string, number>;

export class Meter {
  readonly ackMs = new WindowedLatencies();
  readonly deliverMs = new Latencies();
  /** From when a publish was due until it was written: the generator's own delay. */
  readonly lateMs = new WindowedLatencies();
  readonly errors: ByCode = {};
  readonly closes: ByCode = {};
  readonly violations: Violations = noViolations();
  due = 0;
  published = 0;
  acknowledged = 0;
  delivered = 0;
  joined = 0;
  presenceEvents = 0;
  /** Subscriptions that were told that they could not be continued. */
  unrecovered = 0;

  error(code: string): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1;
  }
  closed(code: number): void {
    this.closes[code] = (this.closes[code] ?? 0) + 1;
  }

  /** All errors, however they came. */
  get failed(): number {
    return Object.values(this.errors).reduce((sum, count) => sum + count, 0);
  }
}

export interface OwnCost {
  /** Cores used. */
  readonly cpu: number;
  readonly loopLagMs: Percentiles | null;
}

/** What the generator itself costs, over the time since it was made. */
export class OwnMeter {
  readonly #startedAt = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });

  constructor() {
    this.#delay.enable();
  }

  end(): OwnCost {
    this.#delay.disable();
    const { user, system } = process.cpuUsage(this.#cpu);
    const cpu = (user + system) / 1_000 / (performance.now() - this.#startedAt);
    if (this.#delay.count === 0) return { cpu, loopLagMs: null };
    // The histogram holds whole pauses of its timer: what is beyond its resolution is lag.
    const ms = (ns: number) => Math.max(0, ns / NS_PER_MS - LAG_RESOLUTION_MS);
    const at = (percentile: number) => ms(this.#delay.percentile(percentile));
    const loopLagMs = {
      count: this.#delay.count,
      p50Ms: at(50),
      p99Ms: at(99),
      p999Ms: at(99.9),
      maxMs: ms(this.#delay.max),
    };
    return { cpu, loopLagMs };
  }
}
