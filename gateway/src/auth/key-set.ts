import type { Logger } from "@plexus/runtime";
import type { AskJson } from "./http.js";
import { keysOfSet, type VerificationKey } from "./keys.js";
import * as metrics from "./metrics.js";

export interface KeySetOptions {
  /** Keys are fetched again once they are so old: so long a removed key is accepted. */
  readonly maxAgeMs: number;
  /** A token that no key fits has them fetched again, but not more often than this. */
  readonly coolDownMs: number;
  /** While the issuer does not answer, its last keys stay in force for so long. */
  readonly keepMs: number;
  /** After a failure the next attempt is made so much later at the earliest. */
  readonly retryMs: number;
  readonly deadlineMs: number;
}

const HOUR_MS = 60 * 60 * 1_000;
export const KEY_SET_DEFAULTS: KeySetOptions = {
  maxAgeMs: 5 * 60_000,
  coolDownMs: 30_000,
  keepMs: 24 * HOUR_MS,
  retryMs: 2_000,
  deadlineMs: 3_000,
};
/** A document of 32 keys takes a quarter of this. */
const MAX_BYTES = 64 * 1024;

export interface KeySetContext {
  readonly ask: AskJson;
  /** The monotonic clock. */
  readonly now: () => number;
  readonly log: Logger;
}

/** The keys of one JWKS address, fetched when they are needed, one fetch at a time. */
export class KeySet {
  readonly #url: string;
  readonly #options: KeySetOptions;
  readonly #context: KeySetContext;
  #keys: readonly VerificationKey[] = [];
  #fetchedAt = Number.NEGATIVE_INFINITY;
  /** When the last attempt ended, and how. */
  #triedAt = Number.NEGATIVE_INFINITY;
  #failed = false;
  #fetching: Promise<void> | undefined;

  constructor(url: string, options: KeySetOptions, context: KeySetContext) {
    this.#url = url;
    this.#options = options;
    this.#context = context;
  }

  /** The last attempt to reach the issuer failed: a token that no key fits may be good all the same. */
  get isAway(): boolean {
    return this.#failed;
  }

  /** The keys in force; none where the issuer was never reached, or too long ago. */
  async keys(): Promise<readonly VerificationKey[]> {
    const { maxAgeMs, keepMs, retryMs } = this.#options;
    const now = this.#context.now();
    if (now - this.#fetchedAt >= maxAgeMs) {
      const fetching = this.#failed && now - this.#triedAt < retryMs ? undefined : this.#fetch();
      // Who has keys of an issuer that is away does not wait for it with every token.
      if (!this.#failed || now - this.#fetchedAt >= keepMs) await fetching;
    }
    return this.#context.now() - this.#fetchedAt < keepMs ? this.#keys : [];
  }

  /** Fetches the keys again for a token that none fits; false if that was done a moment ago. */
  async again(): Promise<boolean> {
    const { coolDownMs, retryMs } = this.#options;
    const pauseMs = this.#failed ? retryMs : coolDownMs;
    if (this.#context.now() - this.#triedAt < pauseMs) return false;
    await this.#fetch();
    return !this.#failed;
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#load().finally(() => {
      this.#triedAt = this.#context.now();
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #load(): Promise<void> {
    const { ask, now, log } = this.#context;
    try {
      const request = { method: "GET", deadlineMs: this.#options.deadlineMs, maxBytes: MAX_BYTES } as const;
      const { status, body } = await ask(this.#url, request);
      const keys = status === 200 ? await keysOfSet(body) : null;
      if (keys === null) throw new Error(`answered ${status}${status === 200 ? ", but no JWKS" : ""}`);
      this.#keys = keys;
      this.#fetchedAt = now();
      this.#failed = false;
      metrics.jwksFetches.inc({ outcome: "ok" });
    } catch (error) {
      this.#failed = true;
      metrics.jwksFetches.inc({ outcome: "failed" });
      log.warn({ err: error, jwks: hostOf(this.#url) }, "keys could not be fetched");
    }
  }
}

/** Addresses may hold a key of their own. */
function hostOf(url: string): string {
  return new URL(url).host;
}

/** Addresses held at once; the one that was longest not asked for makes room. */
const MAX_KEY_SETS = 1_000;

/** All key sets of a process, by address: tenants may share one. */
export class KeySets {
  readonly #options: KeySetOptions;
  readonly #context: KeySetContext;
  readonly #sets = new Map<string, KeySet>();
  readonly #most: number;

  constructor(options: KeySetOptions, context: KeySetContext, most = MAX_KEY_SETS) {
    this.#options = options;
    this.#context = context;
    this.#most = most;
  }

  get(url: string): KeySet {
    const set = this.#sets.get(url) ?? new KeySet(url, this.#options, this.#context);
    // At the end of the order: used last.
    this.#sets.delete(url);
    this.#sets.set(url, set);
    if (this.#sets.size > this.#most) for (const [oldest] of this.#sets) return this.#forget(oldest, set);
    return set;
  }

  #forget(url: string, set: KeySet): KeySet {
    this.#sets.delete(url);
    return set;
  }
}
