import { Counter } from "prom-client";

/**
 * A counter for the busiest paths. Counting is an addition; the metrics library, which looks its labels up by a hash each
 * time, is told when somebody asks.
 */
export class Tally {
  #total = 0;
  #told = 0;

  constructor(options: { name: string; help: string }) {
    const take = () => this.#take();
    new Counter({
      ...options,
      collect() {
        this.inc(take());
      },
    });
  }

  /** All that was counted. */
  get total(): number {
    return this.#total;
  }

  add(count = 1): void {
    this.#total += count;
  }

  #take(): number {
    const untold = this.#total - this.#told;
    this.#told = this.#total;
    return untold;
  }
}

/** The same by one label, of which there are few values, all known beforehand. */
export class LabelledTally<L extends string> {
  readonly #untold = new Map<L, number>();
  #total = 0;

  constructor(options: { name: string; help: string; label: string }) {
    const { name, help, label } = options;
    const untold = this.#untold;
    new Counter({
      name,
      help,
      labelNames: [label],
      collect() {
        for (const [value, count] of untold) this.inc({ [label]: value }, count);
        untold.clear();
      },
    });
  }

  /** All that was counted, whatever its label. */
  get total(): number {
    return this.#total;
  }

  add(value: L, count = 1): void {
    this.#total += count;
    this.#untold.set(value, (this.#untold.get(value) ?? 0) + count);
  }
}
