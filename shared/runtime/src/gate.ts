/** Lets so many through at once; the others wait in the order in which they came, and the newest is refused beyond. */
import { PlexusError } from "@plexus/protocol";
import { boundReached, measureQueue } from "./bounds.js";

export class Gate {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #name: string;
  readonly #patienceMs: number;
  /** Its queue is measured no more. */
  readonly stop: () => void;
  #inside = 0;
  #waiting: Array<() => void> = [];

  /** `name`: what waits, in metrics; `patienceMs`: after so long nobody wants any more what has waited. */
  constructor(name: string, most: number, mostWaiting: number, patienceMs = Number.POSITIVE_INFINITY) {
    this.#name = name;
    this.#patienceMs = patienceMs;
    this.#most = most;
    this.#mostWaiting = mostWaiting;
    this.stop = measureQueue(name, mostWaiting, () => this.#waiting.length);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Rejects with `unavailable` at once if too many wait already, or without doing it once that is too late. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const cameAt = performance.now();
    if (this.#inside < this.#most) this.#inside++;
    else if (this.#waiting.length >= this.#mostWaiting) {
      boundReached.inc({ bound: this.#name });
      throw new PlexusError("unavailable", "too many are waiting for the same thing", { retry: 1_000 });
    }
    // Whoever leaves hands its place over.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      if (performance.now() - cameAt > this.#patienceMs)
        throw new PlexusError("unavailable", "this had to wait for too long", { retry: 1_000 });
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside--;
      else next();
    }
  }
}
