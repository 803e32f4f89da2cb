import type { Requests } from "./requests.js";

/** Joined again so often within a lease: two may be lost. */
const RENEWALS_PER_LEASE = 3;
/** Where a renewal failed. */
const RETRY_MS = 2_000;

/** Keeps a bot a member of a channel until it leaves. */
export class Membership {
  readonly #requests: Requests;
  readonly #channel: string;
  #state: unknown;
  #timer: NodeJS.Timeout | undefined;
  #left = false;
  readonly #failed: (error: unknown) => void;

  private constructor(requests: Requests, channel: string, state: unknown, failed: (error: unknown) => void) {
    this.#requests = requests;
    this.#channel = channel;
    this.#state = state;
    this.#failed = failed;
  }

  /** Resolves once the bot is a member. `failed` is told of renewals that did not succeed and are tried again. */
  static async join(
    requests: Requests,
    channel: string,
    state: unknown,
    failed: (error: unknown) => void,
  ): Promise<Membership> {
    const membership = new Membership(requests, channel, state, failed);
    await membership.#join();
    return membership;
  }

  /** Until it is told to leave. */
  get isMember(): boolean {
    return !this.#left;
  }

  /** Sets what the others see. */
  async update(state: unknown): Promise<void> {
    this.#state = state;
    await this.#join();
  }

  /** The connection was away for a while. */
  renew(): void {
    this.#schedule(0);
  }

  async leave(): Promise<void> {
    this.#left = true;
    clearTimeout(this.#timer);
    await this.#requests.ask("leave", this.#channel, {});
  }

  async #join(): Promise<void> {
    const state = this.#state;
    const { lease } = await this.#requests.ask<{ lease: number }>("join", this.#channel, { state });
    this.#schedule(lease / RENEWALS_PER_LEASE);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#left) return;
    this.#timer = setTimeout(() => {
      this.#join().catch((error: unknown) => {
        this.#failed(error);
        this.#schedule(RETRY_MS);
      });
    }, ms);
  }
}
