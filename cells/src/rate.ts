/** How fast a counter grows: pure, fed with samples of it. */
interface Sample {
  readonly at: number;
  readonly count: number;
}

export class Rate {
  readonly #spanMs: number;
  #samples: Sample[] = [];

  /** @param spanMs how far back the rate looks */
  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  sample(count: number, now: number): void {
    this.#samples.push({ at: now, count });
    // One that is older than the span stays, as the point from which the growth is counted.
    while (this.#samples.length > 2 && this.#samples[1]!.at <= now - this.#spanMs) this.#samples.shift();
  }

  /** Per second; 0 until there are two samples. */
  get perSecond(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    return ((last.count - first.count) * 1_000) / (last.at - first.at);
  }
}
