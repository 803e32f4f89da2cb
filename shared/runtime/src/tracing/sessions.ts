/**
 * The sessions in which somebody follows the messages of a channel; pure. A session lives by being said anew: whoever asked
 * for it does so every second, and is forgotten when that ends, however it ends.
 */
import { type BucketRate, TokenBucket } from "../token-bucket.js";

/** On `control.trace`: somebody follows this channel. */
export interface TraceOrder {
  readonly tenant: string;
  readonly channel: string;
}

export const TRACE_ORDER_INTERVAL_MS = 1_000;
/** Three orders may be lost. */
const SESSION_TTL_MS = 3.5 * TRACE_ORDER_INTERVAL_MS;
/** At once, in all of an installation; what is more is not heard. */
export const MAX_TRACE_SESSIONS = 16;
/** Messages followed in one process: a person reads no faster, and a busy channel is not slowed. */
const FOLLOWED: BucketRate = { perSecond: 20, burst: 20 };
/** Stages reported by one process; a message that is traced for another reason has some as well. */
const REPORTED: BucketRate = { perSecond: 200, burst: 200 };

interface Session {
  heardAt: number;
  readonly followed: TokenBucket;
  readonly reported: TokenBucket;
  /** Messages that were not followed since that was last said. */
  passed: number;
}

export class TraceSessions {
  readonly #byKey = new Map<string, Session>();

  get size(): number {
    return this.#byKey.size;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Several who follow one channel share what is said of it. */
  heard(key: string, now: number): void {
    const known = this.#byKey.get(key);
    if (known !== undefined) known.heardAt = now;
    if (known !== undefined || this.#byKey.size >= MAX_TRACE_SESSIONS) return;
    const [followed, reported] = [new TokenBucket(FOLLOWED, now), new TokenBucket(REPORTED, now)];
    this.#byKey.set(key, { heardAt: now, followed, reported, passed: 0 });
  }

  /** Forgets those that were not heard of for too long. */
  expire(now: number): void {
    for (const [key, { heardAt }] of this.#byKey) if (now - heardAt > SESSION_TTL_MS) this.#byKey.delete(key);
  }

  /** Whether a message of the channel is to be followed. */
  follow(key: string, now: number): boolean {
    const session = this.#byKey.get(key);
    if (session === undefined) return false;
    if (session.followed.take(FOLLOWED, now) === 0) return true;
    session.passed++;
    return false;
  }

  /**
   * Null where a stage of the channel is not to be reported; else how many messages were passed over since the last one
   * that was.
   */
  report(key: string, now: number): number | null {
    const session = this.#byKey.get(key);
    if (session === undefined || session.reported.take(REPORTED, now) !== 0) return null;
    const { passed } = session;
    session.passed = 0;
    return passed;
  }
}
