/**
 * This client's presence state in one channel. The gateway keeps it per connection, so it is said again on
 * each new one. Only the latest state matters: one announcement is under way at a time, then the latest.
 */
import { PlexusError } from "@plexus/protocol";
import { retryDelay } from "./backoff.js";
import { type Deferred, defer, isRetryable, LinkLost } from "./errors.js";
import type { Link } from "./link.js";
import type { Settings } from "./options.js";

export class OwnState {
  readonly #channel: string;
  readonly #settings: Settings;
  #data: { readonly value: unknown } | null = null;
  #link: Link | null = null;
  /** What was announced on `#link`, or is on its way there. */
  #said: { readonly value: unknown } | null = null;
  #busy = false;
  #failures = 0;
  #answer: Deferred<void> | null = null;

  constructor(channel: string, settings: Settings) {
    this.#channel = channel;
    this.#settings = settings;
  }

  /** Resolves when this state, or one that replaced it, is known to the gateway. */
  set(value: unknown): Promise<void> {
    this.#data = { value };
    this.#answer ??= defer<void>();
    const { promise } = this.#answer;
    // Whoever dropped it does not want to know.
    promise.catch(() => undefined);
    this.#announce();
    return promise;
  }

  /** A member on `link` from now on; null: nowhere. */
  attach(link: Link | null): void {
    this.#link = link;
    this.#said = null;
    this.#busy = false;
    this.#announce();
  }

  /** No longer a member: there is nothing to announce. */
  clear(error: PlexusError): void {
    this.#data = null;
    this.attach(null);
    this.#settle(error);
  }

  /** The client ended: whoever waits is told, and the state is kept for when it connects again. */
  stop(error: PlexusError): void {
    this.#settle(error);
  }

  #announce(): void {
    const [link, data] = [this.#link, this.#data];
    if (link === null || data === null || this.#busy || this.#said === data) return;
    this.#busy = true;
    this.#said = data;
    link.ask(
      { op: "state", ch: this.#channel, data: data.value },
      {
        ok: () => this.#answered(link, null),
        error: (error) => this.#answered(link, error),
      },
    );
  }

  #answered(link: Link, error: PlexusError | null): void {
    // Another connection has taken over; it is told there.
    if (link !== this.#link || error instanceof LinkLost) return;
    this.#busy = false;
    if (error !== null && isRetryable(error)) {
      const { clock, random } = this.#settings;
      this.#busy = true;
      this.#said = null;
      const again = () => {
        if (link !== this.#link) return;
        this.#busy = false;
        this.#announce();
      };
      clock.setTimeout(again, retryDelay(this.#failures++, error.retry, this.#settings, random));
      return;
    }
    this.#failures = 0;
    if (this.#said === this.#data) this.#settle(error);
    else this.#announce();
  }

  #settle(error: PlexusError | null): void {
    const answer = this.#answer;
    this.#answer = null;
    if (error === null) answer?.resolve();
    else answer?.reject(error);
  }
}

/** Why `setState` needs a membership. */
export function notAMember(channel: string): PlexusError {
  return new PlexusError("not_subscribed", `subscribe to ${channel} with presence first`);
}
