/** What the connect hook said of tokens, while it may be believed; pure and bounded. Tokens are known by their hash. */

/** The oldest makes room. */
export const MAX_CACHED_ANSWERS = 10_000;

export class HookCache<T> {
  readonly #entries = new Map<string, { value: T; until: number }>();
  readonly #most: number;

  constructor(most = MAX_CACHED_ANSWERS) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, now: number): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.until > now) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  put(key: string, value: T, until: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until });
    if (this.#entries.size <= this.#most) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest!);
  }
}
