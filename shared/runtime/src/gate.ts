/** Lets so many through at once; the others wait in the order in which they came, and the newest is refused beyond. */
import { PlexusError } from "@plexus/protocol";
import { boundReached, measureQueue } from "./bounds.js";

export class Gate {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #name: string;
  /** Its queue is measured no more. */
  readonly stop: () => void;
  #inside = 0;
  #waiting: Array<() => void> = [];

  /** `name`: what waits, in metrics. */
  constructor(name: string, most: number, mostWaiting: number) {
    this.#name = name;
    this.#most = most;
    this.#mostWaiting = mostWaiting;
    this.stop = measureQueue(name, mostWaiting, () => this.#waiting.length);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Rejects with `unavailable` at once if too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#most) this.#inside++;
    else if (this.#waiting.length >= this.#mostWaiting) {
      boundReached.inc({ bound: this.#name });
      throw new PlexusError("unavailable", "too many are waiting for the same thing", { retry: 1_000 });
    }
    // Whoever leaves hands its place over.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside--;
      else next();
    }
  }
}
