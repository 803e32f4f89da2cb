import { PlexusError } from "@plexus/protocol";
import { isRetryable, type Requests } from "./requests.js";

/** Joined again so often within a lease: two may be lost. */
const RENEWALS_PER_LEASE = 3;
/** Where a renewal failed. */
const RETRY_MS = 2_000;

interface Wish {
  readonly state: unknown;
}

/** A bot's part in a channel: once it has joined, it is kept a member until it leaves. */
export class Membership {
  readonly #requests: Requests;
  readonly #channel: string;
  readonly #failed: (error: unknown) => void;
  /** What was asked for last; undefined where the bot is to be no member. */
  #wanted: Wish | undefined;
  /** What was answered last; undefined where nothing was, or a leave was asked for since. */
  #held: Wish | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The end of what was asked before: of two requests under way at once either could be carried out last. */
  #last: Promise<unknown> = Promise.resolve();
  /** Aborted when something newer is asked for. */
  #newest = new AbortController();

  /** `failed` is told of renewals that did not succeed and are tried again. */
  constructor(requests: Requests, channel: string, failed: (error: unknown) => void) {
    this.#requests = requests;
    this.#channel = channel;
    this.#failed = failed;
  }

  /** Until it is told to leave. */
  get isMember(): boolean {
    return this.#wanted !== undefined;
  }

  /** Sets what the others see, and makes the bot a member where it is none. */
  async update(state: unknown): Promise<void> {
    const wish = { state };
    this.#wanted = wish;
    try {
      await this.#inTurn(() => this.#join(wish));
    } catch (error) {
      // Whoever is a member stays one, as it was; a bot that was refused is not made one later, unasked.
      const mayFollow = this.#held !== undefined && error instanceof PlexusError && isRetryable(error.code);
      if (this.#wanted === wish && !mayFollow) this.#wanted = this.#held;
      if (this.#held !== undefined) this.#schedule(RETRY_MS);
      throw error;
    }
  }

  /** The connection was away for a while. */
  renew(): void {
    if (this.#held !== undefined) this.#schedule(0);
  }

  async leave(): Promise<void> {
    this.end();
    await this.#inTurn(() => {
      this.#held = undefined;
      return this.#requests.ask("leave", this.#channel, {});
    });
  }

  /** Nothing is renewed any more: the bot leaves, or its connection has ended. */
  end(): void {
    this.#wanted = undefined;
    this.#held = undefined;
    this.#newest.abort();
    clearTimeout(this.#timer);
  }

  /** One after the other, in the order of the calls. */
  #inTurn<T>(ask: (newest: AbortSignal) => Promise<T>): Promise<T> {
    this.#newest.abort();
    this.#newest = new AbortController();
    const { signal } = this.#newest;
    const done = this.#last.then(() => ask(signal));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #join(wish: Wish, signal?: AbortSignal): Promise<void> {
    const { state } = wish;
    const options = { signal };
    const { lease } = await this.#requests.ask<{ lease: number }>("join", this.#channel, { state }, options);
    if (this.#wanted === undefined) return;
    this.#held = wish;
    this.#schedule(lease / RENEWALS_PER_LEASE);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#wanted !== undefined) this.#timer = setTimeout(() => void this.#rejoin(), ms);
  }

  /** Nobody waits for this one: it gives way to whatever is asked for meanwhile. */
  #rejoin(): Promise<void> {
    return this.#inTurn(async (newest) => {
      if (this.#wanted === undefined) return;
      try {
        await this.#join(this.#wanted, newest);
      } catch (error) {
        if (newest.aborted) return;
        this.#failed(error);
        this.#schedule(RETRY_MS);
      }
    });
  }
}
