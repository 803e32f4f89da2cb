/**
 * Who is alive in a cell, from heartbeats; pure. An id that was not heard for the time to live is gone.
 */
export const BEAT_INTERVAL_MS = 400;
export const MEMBER_TTL_MS = 2_000;

export class Membership {
  readonly #self: string;
  readonly #heardAt = new Map<string, number>();

  constructor(self: string) {
    this.#self = self;
  }

  heard(id: string, now: number): void {
    if (id !== this.#self) this.#heardAt.set(id, now);
  }

  left(id: string): void {
    this.#heardAt.delete(id);
  }

  /** The live workers, this one included, sorted. */
  live(now: number): string[] {
    for (const [id, heardAt] of this.#heardAt) if (now - heardAt > MEMBER_TTL_MS) this.#heardAt.delete(id);
    return [this.#self, ...this.#heardAt.keys()].sort();
  }

  /** After a pause of this very process nothing heard before it counts. */
  forgetAll(): void {
    this.#heardAt.clear();
  }
}
