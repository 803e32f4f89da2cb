/**
 * Who is alive in a cell, from heartbeats; pure. An id that was not heard for the time to live is gone.
 */
export const BEAT_INTERVAL_MS = 400;
export const MEMBER_TTL_MS = 2_000;
/** One that was not heard for so long is asked whether it is connected at all. */
export const ASK_AFTER_MS = 600;
/** Names of workers that fell silent and were not heard again; the oldest are forgotten. */
const MAX_SILENT = 1_000;

export class Membership {
  readonly #self: string;
  readonly #heardAt = new Map<string, number>();
  readonly #silent = new Set<string>();

  constructor(self: string) {
    this.#self = self;
  }

  /** True if it had been given up: it may have thought the same of this one, and served what is this one's. */
  heard(id: string, now: number): boolean {
    if (id === this.#self) return false;
    this.#heardAt.set(id, now);
    return this.#silent.delete(id);
  }

  knows(id: string): boolean {
    return this.#heardAt.has(id);
  }

  left(id: string): void {
    this.#heardAt.delete(id);
  }

  /** The live workers, this one included, sorted. */
  live(now: number): string[] {
    for (const [id, heardAt] of this.#heardAt) if (now - heardAt > MEMBER_TTL_MS) this.giveUp(id);
    return [this.#self, ...this.#heardAt.keys()].sort();
  }

  /** Those that should have been heard by now. */
  overdue(now: number): string[] {
    return [...this.#heardAt].filter(([, heardAt]) => now - heardAt > ASK_AFTER_MS).map(([id]) => id);
  }

  /** It is gone without having said so, by the time to live or because nobody is there under its name. */
  giveUp(id: string): void {
    this.#heardAt.delete(id);
    this.#silent.add(id);
    if (this.#silent.size > MAX_SILENT)
      for (const oldest of this.#silent) return void this.#silent.delete(oldest);
  }

  /** After a pause of this very process nothing heard before it counts. */
  forgetAll(): void {
    this.#heardAt.clear();
  }
}
