/**
 * One channel's subscription over all the connections it lives through: it asks for the channel on each new
 * one, from where it is, and feeds what comes to {@link Reception}. While changing over, two connections bring
 * the same messages; the position sees to it that each is handed out once.
 */
import {
  type EndedFrame,
  isErrorCode,
  type MsgFrame,
  PlexusError,
  type Position,
  type SubOk,
} from "@plexus/protocol";
import { retryDelay } from "./backoff.js";
import { type Deferred, defer, isRetryable, LinkLost } from "./errors.js";
import type { Link, PushedFrame } from "./link.js";
import type { Settings } from "./options.js";
import { type ChannelMessage, Reception, type Request, type Reset } from "./reception.js";

export interface SubscribeOptions {
  /** Go on after this position, as `channel.position` gave it earlier. */
  since?: Position;
  /** Begin with the last so many messages; where `since` is given too, only if it can't be honoured. */
  rewind?: number;
  /** Be a member of the channel, and see the others come and go. */
  presence?: boolean;
}

export interface Subscribed {
  /** Where this subscriber is. */
  readonly position: Position;
  /** Whether everything after `since` comes. True without `since`, since then nothing can be missing. */
  readonly recovered: boolean;
}

export type SubscriptionState =
  | { readonly name: "unsubscribed" }
  /** Asked for, but not (or no longer) receiving; it comes about with the connection. */
  | { readonly name: "subscribing" }
  | { readonly name: "subscribed" }
  /** Refused, or ended by the gateway; `subscribe()` tries again. */
  | { readonly name: "failed"; readonly error: PlexusError };

export interface SubscriptionEvents {
  state(state: SubscriptionState): void;
  message(message: ChannelMessage): void;
  reset(reset: Reset): void;
  /** So many messages up to here were left out, since this connection could not keep up. */
  skipped(count: number, position: Position): void;
  /** Receiving on `link`; a member there where presence was asked for. */
  restored(link: Link, answer: SubOk, presence: boolean): void;
  /** No member any more, though the subscription goes on. */
  presenceEnded(error: PlexusError): void;
  /** A frame about others, from the connection that counts. */
  ephemeral(frame: Extract<PushedFrame, { op: "presence" | "signal" }>): void;
  /** Give the connection up: it left a gap again and again. */
  abandon(link: Link, error: PlexusError): void;
}

interface Wanted {
  readonly initial: Request;
  readonly presence: boolean;
  readonly answer: Deferred<Subscribed>;
}

/** A question under way. A newer one makes it void. */
interface Attempt {
  readonly link: Link;
  readonly isRepair: boolean;
  failures: number;
}

/** Gaps repaired on one connection without any message in between, before that connection is given up. */
const MAX_REPAIRS = 2;

export class Subscription {
  readonly #channel: string;
  readonly #settings: Settings;
  readonly #events: SubscriptionEvents;
  #reception = new Reception();
  #wanted: Wanted | null = null;
  #state: SubscriptionState = { name: "unsubscribed" };
  /** The connection that answered last: signals, presence and resets count from there only. */
  #owner: Link | null = null;
  #attempt: Attempt | null = null;
  /** Connections that may have the channel, each with the question that brought it; null where leaving failed. */
  readonly #heldBy = new Map<Link, Attempt | null>();
  #repairs = 0;
  /** Where the message that is being handed out lies; the rest of its frame has not been seen yet. */
  #handingOut: Position | null = null;

  constructor(channel: string, settings: Settings, events: SubscriptionEvents) {
    this.#channel = channel;
    this.#settings = settings;
    this.#events = events;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  get position(): Position | null {
    return this.#handingOut ?? this.#reception.position;
  }

  /** The connection that receives, if any. */
  get owner(): Link | null {
    return this.#owner;
  }

  get wantsPresence(): boolean {
    return this.#wanted?.presence === true;
  }

  subscribe(options: SubscribeOptions, link: Link | null): Promise<Subscribed> {
    const presence = options.presence === true;
    if (this.#wanted !== null && (this.#wanted.presence || !presence)) return this.#wanted.answer.promise;
    const answer = defer<Subscribed>();
    // Whoever dropped the promise of an earlier call is told by the state.
    answer.promise.catch(() => undefined);
    if (this.#wanted === null) {
      this.#reception = new Reception();
      this.#handingOut = null;
    } else answer.promise.then(this.#wanted.answer.resolve, this.#wanted.answer.reject);
    const { since, rewind } = options;
    const initial = { ...(since && { since }), ...(rewind !== undefined && { rewind }) };
    this.#wanted = { initial, presence, answer };
    if (this.#owner === null) this.#show({ name: "subscribing" });
    if (link !== null) void this.#begin(link);
    return answer.promise;
  }

  /** Resolves when the gateway confirmed it, or the connection is gone anyway. */
  async unsubscribe(): Promise<void> {
    this.#drop(new PlexusError("not_subscribed", "unsubscribed meanwhile"));
    this.#show({ name: "unsubscribed" });
    // All in this turn: one that is said later would end what a `subscribe` begins meanwhile.
    const outcomes = await Promise.allSettled([...this.#heldBy.keys()].map((link) => this.#leave(link)));
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  /**
   * Asks for the channel on `link`, unless it is there or asked for already. Done when its question is answered, or
   * has become pointless.
   */
  restore(link: Link): Promise<void> {
    // Of a question under way its answer counts, whichever connection had the channel before.
    const isThere = (this.#attempt === null ? this.#owner : this.#attempt.link) === link;
    return this.#wanted === null || isThere ? Promise.resolve() : this.#begin(link);
  }

  lost(link: Link): void {
    this.#heldBy.delete(link);
    if (this.#attempt?.link === link) this.#attempt = null;
    if (this.#owner !== link) return;
    this.#owner = null;
    if (this.#wanted !== null) this.#show({ name: "subscribing" });
  }

  /** The client ended: for good, or until it connects again; then what is wanted is asked for anew. */
  stop(error: PlexusError): void {
    this.#wanted?.answer.reject(error);
  }

  frame(link: Link, frame: PushedFrame): void {
    if (this.#wanted === null) return;
    if (frame.op === "msg") return this.#messages(link, frame);
    if (link !== this.#owner) return;
    if (frame.op === "reset") {
      this.#events.reset(this.#reception.reset(frame));
      return;
    }
    if (frame.op === "skipped") {
      const count = this.#reception.skipped(frame);
      if (count > 0) this.#events.skipped(count, this.#reception.position!);
      return;
    }
    if (frame.op === "ended") return this.#endedBy(link, frame);
    if (frame.op === "presence" || frame.op === "signal") this.#events.ephemeral(frame);
  }

  /** The token does not allow it any more. */
  #endedBy(link: Link, { code, message, only }: EndedFrame): void {
    // A code of a later version is final too.
    const error = new PlexusError(isErrorCode(code) ? code : "forbidden", message);
    if (only === "presence" && this.#wanted !== null) {
      this.#wanted = { ...this.#wanted, presence: false };
      return this.#events.presenceEnded(error);
    }
    this.#heldBy.delete(link);
    this.#drop(error);
    this.#show({ name: "failed", error });
  }

  #messages(link: Link, frame: MsgFrame): void {
    const verdict = this.#reception.accept(frame);
    // While a question is under way, its answer brings everything from the position on.
    if (verdict.kind === "gap" && link === this.#owner && this.#attempt === null) this.#repair(link);
    if (verdict.kind !== "messages") return;
    this.#repairs = 0;
    const wanted = this.#wanted;
    for (const message of verdict.messages) {
      this.#handingOut = { epoch: message.epoch, seq: message.seq };
      this.#events.message(message);
      // A listener unsubscribed: what it has seen is the position.
      if (this.#wanted !== wanted) return;
    }
    this.#handingOut = null;
  }

  async #leave(link: Link): Promise<void> {
    this.#heldBy.delete(link);
    try {
      await link.request({ op: "unsub", ch: this.#channel });
    } catch (error) {
      if (error instanceof LinkLost || (error as PlexusError).code === "not_subscribed") return;
      this.#heldBy.set(link, null);
      throw error;
    }
  }

  #begin(link: Link): Promise<void> {
    return new Promise((done) => this.#ask({ link, isRepair: false, failures: 0 }, done));
  }

  #repair(link: Link): void {
    this.#repairs += 1;
    if (this.#repairs > MAX_REPAIRS) {
      this.#repairs = 0;
      const error = new PlexusError("unavailable", `the gateway left a gap in ${this.#channel}`);
      return this.#events.abandon(link, error);
    }
    this.#ask({ link, isRepair: true, failures: 0 }, () => undefined);
  }

  #ask(attempt: Attempt, done: () => void): void {
    const wanted = this.#wanted;
    if (wanted === null) return done();
    // A connection subscribes to a channel once: asking again there means leaving first. Nobody waits for that: the
    // question that follows is answered in any case.
    if (this.#heldBy.has(attempt.link)) this.#leave(attempt.link).catch(() => undefined);
    this.#heldBy.set(attempt.link, attempt);
    this.#attempt = attempt;
    const asked = this.#reception.resume(wanted.initial);
    const presence = wanted.presence ? { presence: true } : {};
    attempt.link.ask(
      { op: "sub", ch: this.#channel, ...asked, ...presence },
      {
        ok: (frame) => {
          if (this.#attempt === attempt) this.#subscribed(attempt.link, wanted, asked, frame as SubOk);
          done();
        },
        error: (error) => {
          // Without an answer in time it may be there all the same.
          if (error.code !== "timeout" && this.#heldBy.get(attempt.link) === attempt)
            this.#heldBy.delete(attempt.link);
          if (this.#attempt === attempt) this.#refused(attempt, error, done);
          else done();
        },
      },
    );
  }

  #subscribed(link: Link, wanted: Wanted, asked: Request, answer: SubOk): void {
    this.#attempt = null;
    this.#owner = link;
    const reset = this.#reception.subscribed(asked, answer);
    const position = this.#reception.position;
    this.#show({ name: "subscribed" });
    if (position !== null) wanted.answer.resolve({ position, recovered: reset === null });
    if (reset !== null) this.#events.reset(reset);
    this.#events.restored(link, answer, wanted.presence);
  }

  #refused(attempt: Attempt, error: PlexusError, done: () => void): void {
    // Both are followed by another connection, which asks anew.
    if (error instanceof LinkLost || error.code === "token_expired") {
      this.#attempt = null;
      return done();
    }
    if (isRetryable(error)) {
      const { clock, random } = this.#settings;
      const delayMs = retryDelay(attempt.failures++, error.retry, this.#settings, random);
      clock.setTimeout(() => {
        if (this.#attempt === attempt) this.#ask(attempt, done);
        else done();
      }, delayMs);
      return;
    }
    this.#attempt = null;
    done();
    if (attempt.isRepair) return this.#events.abandon(attempt.link, error);
    this.#drop(error);
    this.#show({ name: "failed", error });
  }

  #drop(error: PlexusError): void {
    const wanted = this.#wanted;
    this.#wanted = null;
    this.#attempt = null;
    this.#owner = null;
    wanted?.answer.reject(error);
  }

  #show(state: SubscriptionState): void {
    if (state.name === this.#state.name && state.name !== "failed") return;
    this.#state = state;
    this.#events.state(state);
  }
}
