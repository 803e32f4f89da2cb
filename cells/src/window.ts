/**
 * The idempotency window of a channel: which message ids were stored of late, and where.
 *
 * Ids that publishers chose are remembered for the promised two minutes; ids that a gateway made, only for as
 * long as a gateway retries. Both are bounded; a full window refuses new messages rather than forgetting what
 * was promised.
 */

export const WINDOW_MS = 120_000;
/** Longer than a gateway's deadline for a publish, so that none of its retries is taken for new. */
export const MADE_WINDOW_MS = 20_000;

export interface Stored {
  readonly seq: number;
  readonly ts: number;
}

/** Ids are unique per user, so both make the key; the length keeps ("a", "bc") and ("ab", "c") apart. */
export function windowKey(id: string, user: string): string {
  return `${id.length}:${id}${user}`;
}

export class IdempotencyWindow {
  readonly #spanMs: number;
  readonly #maxIds: number;
  /** In order of time, since a Map keeps the order of insertion. */
  readonly #ids = new Map<string, Stored>();

  constructor(spanMs: number, maxIds: number) {
    this.#spanMs = spanMs;
    this.#maxIds = maxIds;
  }

  get size(): number {
    return this.#ids.size;
  }

  get(key: string): Stored | undefined {
    return this.#ids.get(key);
  }

  /** Whether `n` more ids fit, once what is older than the span at `now` is forgotten. */
  hasRoom(n: number, now: number): boolean {
    for (const [key, stored] of this.#ids) {
      if (stored.ts + this.#spanMs > now) break;
      this.#ids.delete(key);
    }
    return this.#ids.size + n <= this.#maxIds;
  }

  /** All ids with their users, oldest first. */
  *entries(): Generator<readonly [id: string, user: string, stored: Stored]> {
    for (const [key, stored] of this.#ids) {
      const colon = key.indexOf(":");
      const split = colon + 1 + Number(key.slice(0, colon));
      yield [key.slice(colon + 1, split), key.slice(split), stored];
    }
  }

  add(key: string, stored: Stored): void {
    this.#ids.set(key, stored);
  }
}
