/**
 * Keeps publishes of one connection from overtaking one that failed for the moment, here or in the cell. What was sent
 * behind it, before the client heard of that, would be stored a moment later; it is refused, too, until the first one is
 * repeated. One without a `mid` can't be known again: it is waited for until it may be repeated, and not at all where it
 * may be stored already, since it is not safe to repeat then.
 *
 * Pure: time is an argument.
 */
import { ERRORS, type ErrorCode, PlexusError } from "@plexus/protocol";

export interface Numbered {
  readonly channel: string;
  readonly mid: string | undefined;
  /** Which of the connection's publishes it is: 1, 2, 3 … */
  readonly number: number;
}

interface Refused extends Numbered {
  /** What others hear that were sent behind it: none of them is stored. */
  readonly code: "rate_limited" | "unavailable";
  /** When it may be repeated. */
  readonly retryAt: number;
  /** When it is given up: whoever sent it has something better to do. */
  readonly until: number;
}

/** What a client may take beyond the time that it was told: the way there and back, and a part of that time at random. */
const GRACE_MS = 1_000;
const GRACE_SHARE = 0.5;
/** Errors of what certainly is not stored. */
const CERTAIN: ReadonlySet<ErrorCode> = new Set(["rate_limited", "unavailable"]);
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

  /** What one is told that is not its turn yet. */
  behind(channel: string, retry: number): PlexusError {
    const code = this.#channels?.get(channel)?.code ?? "rate_limited";
    return new PlexusError(code, "one that was sent before it was refused", { retry });
  }

  /** It failed. Where several do, the first one counts, whatever the order in which that is heard of. */
  refused({ channel, mid, number }: Numbered, error: PlexusError, now: number): void {
    if (!ERRORS[error.code].retryable || (mid === undefined && !CERTAIN.has(error.code))) return;
    this.#channels ??= new Map();
    const known = this.#channels.get(channel);
    if (known !== undefined && known.number < number && now < known.until) return;
    const { retry = 0 } = error;
    const retryAt = now + retry;
    const until = mid === undefined ? retryAt : retryAt + GRACE_MS + retry * GRACE_SHARE;
    const code = error.code === "rate_limited" ? error.code : "unavailable";
    this.#channels.set(channel, { channel, mid, number, code, retryAt, until });
    if (this.#channels.size <= MAX_CHANNELS) return;
    const [oldest] = this.#channels.keys();
    this.#channels.delete(oldest!);
  }
}
