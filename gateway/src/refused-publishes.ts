/**
 * Keeps publishes of one connection from overtaking one that was refused for coming too early. What was sent behind it,
 * before the client heard of the refusal, would find room a moment later; it is refused, too, until the first one is
 * repeated. One without a `mid` can't be known again: it is waited for until it may be repeated.
 *
 * Pure: time is an argument.
 */

interface Refused {
  readonly mid: string | undefined;
  /** When it may be repeated. */
  readonly retryAt: number;
  /** When it is given up: whoever sent it has something better to do. */
  readonly until: number;
}

/** What a client may take beyond the time that it was told: the way there and back, and a part of that time at random. */
const GRACE_MS = 1_000;
const GRACE_SHARE = 0.5;
/** Channels of one connection; where there are more, the first ones are given up. */
const MAX_CHANNELS = 1_000;

export class RefusedPublishes {
  /** Made with the first one, since most connections never have any. */
  #channels: Map<string, Refused> | undefined;

  get size(): number {
    return this.#channels?.size ?? 0;
  }

  /** 0: it is this one's turn; else the milliseconds until what goes before it may be repeated (at least 1). */
  before(channel: string, mid: string | undefined, now: number): number {
    const first = this.#channels?.get(channel);
    if (first === undefined) return 0;
    const isFirst = mid !== undefined && mid === first.mid;
    if (!isFirst && now < first.until) return Math.max(1, Math.ceil(first.retryAt - now));
    this.#channels?.delete(channel);
    return 0;
  }

  /** It was refused, and may be repeated after so long. */
  refused(channel: string, mid: string | undefined, retryMs: number, now: number): void {
    const retryAt = now + retryMs;
    const until = mid === undefined ? retryAt : retryAt + GRACE_MS + retryMs * GRACE_SHARE;
    this.#channels ??= new Map();
    this.#channels.set(channel, { mid, retryAt, until });
    if (this.#channels.size <= MAX_CHANNELS) return;
    const [oldest] = this.#channels.keys();
    this.#channels.delete(oldest!);
  }
}
