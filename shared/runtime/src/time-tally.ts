import { type Metric, register } from "prom-client";
import { Latencies } from "./latencies.js";

/**
 * A histogram without labels for the busiest paths: recording is a few comparisons and two additions, where the metrics
 * library hashes the labels, of which there are none, each time.
 */
export class TimeTally {
  /** Seconds, ascending. */
  readonly #buckets: readonly number[];
  /** One more than there are buckets, for what took longer than the last one. */
  readonly #counts: Float64Array;
  #sumS = 0;
  /** The same in finer buckets, for whoever takes it now and then. */
  readonly recent = new Latencies();

  constructor(options: { name: string; help: string; buckets: readonly number[] }) {
    this.#buckets = options.buckets;
    this.#counts = new Float64Array(options.buckets.length + 1);
    const { name, help } = options;
    const metric = {
      name,
      get: async () => ({ name, help, type: "histogram", aggregator: "sum", values: this.#samples(name) }),
      reset: () => this.#counts.fill(0),
    };
    // The registry asks a metric for `get` alone; its types know the library's own classes only.
    register.registerMetric(metric as unknown as Metric<string>);
  }

  /** How many were counted. */
  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  add(seconds: number, count = 1): void {
    let i = 0;
    while (i < this.#buckets.length && seconds > this.#buckets[i]!) i++;
    this.#counts[i]! += count;
    this.#sumS += seconds * count;
    this.recent.add(seconds * 1_000, count);
  }

  #samples(name: string) {
    let count = 0;
    const buckets = [...this.#counts].map((n, i) => {
      count += n;
      return { metricName: `${name}_bucket`, labels: { le: this.#buckets[i] ?? "+Inf" }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: {}, value: this.#sumS },
      { metricName: `${name}_count`, labels: {}, value: count },
    ];
  }
}
