/**
 * Keeps one connection up: connects, comes back after a loss, and changes over before it leaves where the
 * gateway says goodbye. It knows connections, not channels; what lives on a connection is told through
 * {@link SessionEvents}.
 *
 *   current    where new things are sent
 *   candidate  being connected; beside a current one while changing over
 *   leaving    left, but still answering what was asked there
 */
import { PlexusError } from "@plexus/protocol";
import { Backoff, spread } from "./backoff.js";
import { Alarm, type Clock } from "./clock.js";
import { judge, type Verdict } from "./ending.js";
import { isRetryable } from "./errors.js";
import { Link, type LinkHandlers, type PushedFrame } from "./link.js";
import type { Settings } from "./options.js";
import { type ConnectionState, sameState } from "./state.js";
import { TokenKeeper } from "./token.js";

export interface SessionEvents {
  state(state: ConnectionState): void;
  /** From now on everything new goes to `link`; null: nowhere. */
  current(link: Link | null): void;
  /** Bring to `link` what lives on connections and is not there yet; done when it receives there. */
  restore(link: Link): Promise<unknown>;
  frame(link: Link, frame: PushedFrame): void;
  /** The connection is gone. What it carried and did not answer is open. */
  lost(link: Link): void;
  /** Something went wrong that is being dealt with. */
  trouble(error: PlexusError): void;
}

/** Tokens refused as expired in a row, without a lasting connection in between, before giving up. */
const MAX_EXPIRED_TOKENS = 5;
/** A token that ends at once must not make us ask for another without pause. */
const MIN_REFRESH_GAP_MS = 1_000;

export class Session implements LinkHandlers {
  readonly #settings: Settings;
  readonly #events: SessionEvents;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #refreshBackoff: Backoff;
  readonly #tokens: TokenKeeper;
  readonly #retry: Alarm;
  readonly #refresh: Alarm;
  readonly #leaving = new Set<Link>();
  #current: Link | null = null;
  #candidate: Link | null = null;
  #state: ConnectionState = { name: "idle" };
  #running = false;
  #wasConnected = false;
  /** The attempt under way; 0 where there is none. What belongs to an older one is ignored. */
  #attempt = 0;
  #attempts = 0;
  #retryAt: number | undefined;
  #refreshAt = 0;
  #currentSince = 0;
  #expiredTokens = 0;
  #lastError: PlexusError | undefined;

  constructor(settings: Settings, events: SessionEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#clock = settings.clock;
    this.#backoff = new Backoff(settings, settings.random);
    this.#refreshBackoff = new Backoff(settings, settings.random);
    this.#tokens = new TokenKeeper(settings.token, settings.clock, settings);
    this.#retry = new Alarm(settings.clock, () => this.#connect());
    this.#refresh = new Alarm(settings.clock, () => this.#refreshToken());
  }

  get state(): ConnectionState {
    return this.#state;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#wasConnected = false;
    this.#lastError = undefined;
    this.#expiredTokens = 0;
    this.#backoff.reset();
    if (this.#state.name === "failed") this.#tokens.forget();
    this.#connect();
  }

  /** Ends everything. */
  stop(state: ConnectionState): void {
    this.#running = false;
    this.#attempt = 0;
    this.#retryAt = undefined;
    this.#retry.clear();
    this.#refresh.clear();
    for (const link of [...this.#leaving, this.#candidate, this.#current]) link?.close(1000, "closed");
    this.#show(state);
  }

  /** The network or the page came back: waste no time, and doubt what may have died unseen. */
  wake(): void {
    if (!this.#running) return;
    if (this.#current !== null) return this.#current.probe(this.#settings.probeTimeoutMs);
    if (this.#retryAt === undefined) return;
    this.#backoff.reset();
    this.#connect();
  }

  /** Gives up a connection that broke a promise. */
  abandon(link: Link, error: PlexusError): void {
    link.close(1000, "inconsistent", error);
  }

  welcome(link: Link): void {
    if (link !== this.#candidate || link.welcome === undefined) return link.close(1000, "not needed");
    this.#tokens.synchronize(link.welcome.now);
    this.#tokens.endsAt(link.token, link.welcome.expires);
    if (this.#current === null) return this.#changeTo(link);
    // Make before break: the current connection serves until everything is restored on this one.
    const done = () => {
      this.#clock.clearTimeout(timer);
      if (link === this.#candidate) this.#changeTo(link);
    };
    const timer = this.#clock.setTimeout(done, this.#settings.handoverTimeoutMs);
    void this.#events.restore(link).then(done);
  }

  frame(link: Link, frame: PushedFrame): void {
    if (frame.op !== "bye") return this.#events.frame(link, frame);
    if (link === this.#current) this.#plan(judge({ code: 1000, reason: frame.reason, bye: frame }));
  }

  end(link: Link, ending: Parameters<LinkHandlers["end"]>[1]): void {
    this.#leaving.delete(link);
    const [wasCurrent, wasCandidate] = [link === this.#current, link === this.#candidate];
    if (wasCandidate) this.#candidate = null;
    if (wasCurrent) this.#dropCurrent();
    this.#events.lost(link);
    if (!this.#running || !(wasCurrent || wasCandidate)) return;
    if (wasCandidate) this.#attempt = 0;
    // Half-way through a change-over: the new connection is as good as restored.
    if (wasCurrent && this.#candidate?.isOpen) return this.#changeTo(this.#candidate);
    this.#plan(judge(ending));
    this.#report();
  }

  #dropCurrent(): void {
    this.#current = null;
    this.#refresh.clear();
    if (this.#clock.now() - this.#currentSince >= this.#settings.stableAfterMs) {
      this.#backoff.reset();
      this.#expiredTokens = 0;
    }
    this.#events.current(null);
  }

  /** Decides on the next attempt, unless one is under way or planned. */
  #plan(verdict: Verdict): void {
    if (!this.#running || this.#attempt !== 0 || this.#retryAt !== undefined) return;
    this.#lastError = verdict.error;
    const delayMs = this.#delayFor(verdict);
    if (delayMs === undefined) return this.stop({ name: "failed", error: verdict.error });
    this.#retryAt = this.#clock.now() + delayMs;
    this.#retry.set(this.#retryAt);
  }

  #delayFor(verdict: Verdict): number | undefined {
    switch (verdict.kind) {
      case "fail":
        return undefined;
      case "renew":
        this.#tokens.forget();
        this.#expiredTokens += 1;
        if (this.#expiredTokens > MAX_EXPIRED_TOKENS) return undefined;
        return this.#expiredTokens === 1 ? 0 : this.#backoff.next();
      case "resume":
        return verdict.wait === null
          ? this.#backoff.next(verdict.leastMs)
          : spread(verdict.wait, this.#settings.random);
    }
  }

  #connect(): void {
    this.#retryAt = undefined;
    this.#retry.clear();
    this.#attempts += 1;
    const attempt = this.#attempts;
    this.#attempt = attempt;
    this.#report();
    this.#tokens.get().then(
      (token) => {
        if (this.#attempt === attempt) this.#open(token);
      },
      (error: unknown) => {
        if (this.#attempt === attempt) this.#withoutToken(error);
      },
    );
  }

  #open(token: string): void {
    try {
      this.#candidate = new Link(token, this.#settings, this);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : "the WebSocket can't be made";
      this.stop({ name: "failed", error: new PlexusError("bad_request", message, { cause }) });
    }
  }

  #withoutToken(cause: unknown): void {
    this.#attempt = 0;
    // The application says that there is no token to be had by throwing one of our errors.
    if (cause instanceof PlexusError && (cause.code === "unauthorized" || cause.code === "forbidden"))
      return this.stop({ name: "failed", error: cause });
    const error = new PlexusError("unavailable", "the token function failed", { cause });
    this.#events.trouble(error);
    this.#plan({ kind: "resume", wait: null, leastMs: 0, error });
    this.#report();
  }

  #changeTo(link: Link): void {
    const old = this.#current;
    this.#candidate = null;
    this.#attempt = 0;
    this.#current = link;
    this.#currentSince = this.#clock.now();
    this.#wasConnected = true;
    this.#lastError = undefined;
    this.#events.current(link);
    // All of it; after a change-over, what came up while it was under way and was asked of the old connection only.
    void this.#events.restore(link);
    this.#report();
    // It said hello before the change-over; meanwhile the token may have been renewed on the other one.
    this.#refreshLater(link, 0);
    if (old !== null) {
      this.#leaving.add(old);
      old.leave(this.#settings.leaveGraceMs);
    }
    if (link.bye !== undefined) this.#plan(judge({ code: 1000, reason: "", bye: link.bye }));
  }

  #refreshToken(): void {
    const link = this.#current;
    if (link === null) return;
    // Timers have a longest delay.
    if (this.#clock.now() < this.#refreshAt) return this.#refresh.set(this.#refreshAt);
    this.#renew(link).catch((error: unknown) => this.#notRefreshed(link, error));
  }

  async #renew(link: Link): Promise<void> {
    const token = await this.#tokens.get();
    const { expires } = await link.request({ op: "auth", token });
    link.token = token;
    this.#tokens.endsAt(token, expires);
    this.#refreshBackoff.reset();
    if (link === this.#current) this.#refreshLater(link, MIN_REFRESH_GAP_MS);
  }

  #notRefreshed(link: Link, cause: unknown): void {
    if (link !== this.#current) return;
    this.#events.trouble(new PlexusError("unavailable", "the token could not be renewed", { cause }));
    // Not this one again. The connection serves until the old token's end; then the gateway says so.
    if (cause instanceof PlexusError && !isRetryable(cause)) this.#tokens.forget();
    this.#refreshAt = this.#clock.now() + this.#refreshBackoff.next(MIN_REFRESH_GAP_MS);
    this.#refresh.set(this.#refreshAt);
  }

  #refreshLater(link: Link, leastMs: number): void {
    const due = this.#tokens.dueAt(link.token);
    if (due === undefined) return this.#refresh.clear();
    this.#refreshAt = Math.max(due, this.#clock.now() + leastMs);
    this.#refresh.set(this.#refreshAt);
  }

  #report(): void {
    if (!this.#running) return;
    const welcome = this.#current?.welcome;
    if (welcome !== undefined) {
      const { conn, user, tenant, gateway, limits } = welcome;
      return this.#show({ name: "connected", conn, user, tenant, gateway, limits });
    }
    this.#show({
      name: this.#wasConnected ? "reconnecting" : "connecting",
      attempt: this.#backoff.failures,
      retryAt: this.#retryAt ?? null,
      error: this.#lastError ?? null,
    });
  }

  #show(state: ConnectionState): void {
    if (sameState(state, this.#state)) return;
    this.#state = state;
    this.#events.state(state);
  }
}
