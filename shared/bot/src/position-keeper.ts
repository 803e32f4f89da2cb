import type { Position } from "@plexus/protocol";

/** So often a position is stored at most: what was handled since comes again after a crash. */
const STORE_EVERY_MS = 1_000;

/** Stores how far a bot has come, one at a time and not more often than needed. */
export class PositionKeeper {
  readonly #store: (position: Position) => Promise<unknown>;
  readonly #everyMs: number;
  #latest: Position | undefined;
  /** The end of the last store: it may be asked for again while one is under way, and while another one waits. */
  #last: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  /** `store` may reject: what could not be stored is stored with the next. */
  constructor(store: (position: Position) => Promise<unknown>, everyMs = STORE_EVERY_MS) {
    this.#store = store;
    this.#everyMs = everyMs;
  }

  note(position: Position): void {
    this.#latest = position;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, this.#everyMs);
  }

  /** Resolves once the newest is stored, or could not be. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#last = this.#last.then(() => this.#storeLatest());
    return this.#last;
  }

  async #storeLatest(): Promise<void> {
    const position = this.#latest;
    if (position === undefined) return;
    this.#latest = undefined;
    await this.#store(position).catch(() => {
      this.#latest ??= position;
    });
  }
}
