/** Lets so many through at once; the others wait in the order in which they came, and the newest is refused beyond. */
import { PlexusError } from "@plexus/protocol";

export class Gate {
  readonly #most: number;
  readonly #mostWaiting: number;
  #inside = 0;
  #waiting: Array<() => void> = [];

  constructor(most: number, mostWaiting: number) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Rejects with `unavailable` at once if too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#most) this.#inside++;
    else if (this.#waiting.length >= this.#mostWaiting)
      throw new PlexusError("unavailable", "too many are waiting for the same thing", { retry: 1_000 });
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
