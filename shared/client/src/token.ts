/** The token: fetched through the application's function, kept while it is good, renewed before it ends. */
import { PlexusError } from "@plexus/protocol";
import type { Clock } from "./clock.js";
import type { Tuning } from "./options.js";

export type TokenOptions = Pick<Tuning, "tokenTimeoutMs" | "tokenRefreshMarginMs">;

/** When a JWT ends, milliseconds since 1970; undefined where it does not say or is no JWT. */
export function tokenExpiry(token: string): number | undefined {
  const payload = token.split(".")[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const exp = (claims as { exp?: unknown } | null)?.exp;
    return typeof exp === "number" && Number.isFinite(exp) ? exp * 1_000 : undefined;
  } catch {
    // Not a JWT: the gateway is the judge of that. We only lose the renewal ahead of time.
    return undefined;
  }
}

export class TokenKeeper {
  readonly #fetch: () => Promise<string>;
  readonly #clock: Clock;
  readonly #options: TokenOptions;
  #token: string | undefined;
  #refreshAt: number | undefined;
  /** The gateway's clock minus ours: phones are often minutes off. */
  #skewMs = 0;

  constructor(fetch: () => Promise<string>, clock: Clock, options: TokenOptions) {
    this.#fetch = fetch;
    this.#clock = clock;
    this.#options = options;
  }

  /**
   * When a connection that has `token` needs what {@link get} brings, on our clock: at once where another token is
   * at hand by now; undefined where the token does not say when it ends.
   */
  dueAt(token: string): number | undefined {
    if (token !== this.#token) return this.#clock.now();
    return this.#refreshAt === undefined ? undefined : this.#refreshAt - this.#skewMs;
  }

  /** Takes the gateway's time from its welcome. */
  synchronize(gatewayNow: number): void {
    this.#skewMs = gatewayNow - this.#clock.now();
  }

  /** Takes the gateway's word for when `token` ends, where it does not say so itself and is still at hand. */
  endsAt(token: string, expiry: unknown): void {
    if (token !== this.#token || this.#refreshAt !== undefined) return;
    if (typeof expiry === "number" && Number.isFinite(expiry)) this.#refreshAt = this.#refreshTime(expiry);
  }

  /** The token, a new one where the one at hand is about to end. */
  async get(): Promise<string> {
    const token = this.#token;
    if (token === undefined) return this.renew();
    const due = this.dueAt(token);
    return due === undefined || this.#clock.now() < due ? token : this.renew();
  }

  /** The token at hand is not to be used again. */
  forget(): void {
    this.#token = undefined;
    this.#refreshAt = undefined;
  }

  /** Fetches a new token. */
  async renew(): Promise<string> {
    const token = await this.#fetchInTime();
    if (typeof token !== "string" || token === "")
      throw new PlexusError("unauthorized", "the token function returned no token");
    const expiry = tokenExpiry(token);
    this.#token = token;
    this.#refreshAt = expiry === undefined ? undefined : this.#refreshTime(expiry);
    return token;
  }

  #refreshTime(expiry: number): number {
    const leftMs = expiry - (this.#clock.now() + this.#skewMs);
    return expiry - Math.min(this.#options.tokenRefreshMarginMs, Math.max(0, leftMs) / 5);
  }

  #fetchInTime(): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(
        () => reject(new PlexusError("timeout", "the token function took too long")),
        this.#options.tokenTimeoutMs,
      );
      const settle = (run: () => void) => {
        this.#clock.clearTimeout(timer);
        run();
      };
      // In a promise chain of its own, so that a function that throws at once is no different.
      Promise.resolve()
        .then(() => this.#fetch())
        .then(
          (token) => settle(() => resolve(token)),
          (error: unknown) => settle(() => reject(error)),
        );
    });
  }
}
