import type {
  HistoryMessage,
  HistoryOk,
  Position,
  PresenceFrame,
  SignalFrame,
  SubOk,
} from "@plexus/protocol";
import { PlexusError } from "@plexus/protocol";
import { Emitter } from "./emitter.js";
import type { Link, PushedFrame } from "./link.js";
import { MessageStream } from "./message-stream.js";
import { checkNames, type Settings } from "./options.js";
import { notAMember, OwnState } from "./own-state.js";
import { Presence } from "./presence.js";
import type { Published, Publisher } from "./publisher.js";
import type { ChannelMessage, Reset } from "./reception.js";
import type { Requests } from "./requests.js";
import {
  type Subscribed,
  type SubscribeOptions,
  Subscription,
  type SubscriptionState,
} from "./subscription.js";

/** What somebody said in passing: seen by who is subscribed now, never stored. */
export interface Signal {
  readonly channel: string;
  readonly user: string;
  /** The sender's connection. */
  readonly conn: string;
  readonly data: unknown;
}

/** Messages that this connection could not keep up with. */
export interface Skipped {
  readonly count: number;
  /** The last one that was left out. */
  readonly position: Position;
}

export interface ChannelEvents {
  /** Each message once, in order, without gaps. */
  message: ChannelMessage;
  /** Continuity ended: what lies between `from` and `to` may be missing. Load it with `history`. */
  reset: Reset;
  /** In a namespace that spares slow readers: messages up to `position` were left out. `history` still has them. */
  skipped: Skipped;
  signal: Signal;
  state: SubscriptionState;
}

export interface PublishOptions {
  /** The message's id; made here unless given. */
  mid?: string;
  /** A W3C `traceparent`: the span that this publish belongs to, where the installation traces. */
  trace?: string;
}

export interface HistoryOptions {
  /** Messages before this seq, the nearest. */
  before?: number;
  /** Messages after this seq, the nearest. Without both: the last ones. */
  after?: number;
  /** Messages at most; the gateway's `limits.history` bounds it. */
  limit?: number;
}

export interface HistoryPage {
  readonly epoch: string;
  /** In ascending seq. */
  readonly messages: HistoryMessage[];
  /** Whether there is more in the direction that was asked for. */
  readonly more: boolean;
}

/** What channels use of the client. */
export interface Hub {
  readonly settings: Settings;
  readonly publisher: Publisher;
  readonly requests: Requests;
  /** Where new things go; null while there is no connection. */
  link(): Link | null;
  abandon(link: Link, error: PlexusError): void;
}

/**
 * One channel. Made by `client.channel(name)`; the same name gives the same object.
 *
 * ```ts
 * const lobby = client.channel("chat.lobby");
 * lobby.on("message", (message) => console.log(message.user, message.data));
 * await lobby.subscribe({ rewind: 20 });
 * await lobby.publish({ text: "hello" });
 * ```
 *
 * Or as a loop, which ends with `unsubscribe()`:
 *
 * ```ts
 * for await (const message of lobby) console.log(message.seq, message.data);
 * ```
 */
export class Channel extends Emitter<ChannelEvents> implements AsyncIterable<ChannelMessage> {
  readonly name: string;
  /** Who is here, live while subscribed with `presence: true`. */
  readonly presence: Presence;
  readonly #hub: Hub;
  readonly #subscription: Subscription;
  readonly #ownState: OwnState;
  readonly #streams = new Set<MessageStream>();

  /** Use `client.channel(name)`. */
  constructor(name: string, hub: Hub) {
    super();
    this.name = name;
    this.#hub = hub;
    this.#ownState = new OwnState(name, hub.settings);
    this.presence = new Presence(hub.settings.maxMembers, () =>
      hub.requests.ask({ op: "presence", ch: name }),
    );
    this.#subscription = new Subscription(name, hub.settings, {
      state: (state) => this.#stateChanged(state),
      message: (message) => this.#messageCame(message),
      reset: (reset) => this.emit("reset", reset),
      skipped: (count, position) => this.emit("skipped", { count, position }),
      restored: (link, answer, presence) => this.#restored(link, answer, presence),
      presenceEnded: (error) => {
        this.#ownState.clear(error);
        this.presence.end(error);
      },
      ephemeral: (frame) => this.#ephemeral(frame),
      abandon: (link, error) => hub.abandon(link, error),
    });
  }

  get state(): SubscriptionState {
    return this.#subscription.state;
  }

  /**
   * The last message handed out, or where live messages began; null before the first subscription. Keep it, and
   * `subscribe({ since })` goes on there after a page load.
   */
  get position(): Position | null {
    return this.#subscription.position;
  }

  /**
   * Receive the channel's messages, from here on through every reconnect until {@link unsubscribe}. Resolves
   * with the first confirmation, which waits for a connection; rejects where the gateway refuses. A call while
   * subscribed changes nothing, except that `presence: true` is added.
   */
  subscribe(options: SubscribeOptions = {}): Promise<Subscribed> {
    checkNames(options, ["since", "rewind", "presence"]);
    return this.#subscription.subscribe(options, this.#hub.link());
  }

  /**
   * Receive nothing more; loops end, members are forgotten. Resolves when the gateway confirmed it, or the connection
   * is gone anyway. Where it rejects, the gateway may still send what nobody is shown; another call asks it again.
   */
  unsubscribe(): Promise<void> {
    return this.#subscription.unsubscribe();
  }

  /**
   * Publish `data` (anything that JSON can say). Resolves once it is stored. It survives reconnects, and keeps
   * its place among this client's publishes to the channel. Rejects with a {@link PlexusError}: `limit_reached`
   * where the queue is full, `timeout` where it may be stored or not (publishing again with the same `mid`
   * within two minutes settles that), `unavailable` where it was never sent.
   *
   * The message comes back on a subscribed channel with `id === mid`, before or after this resolves.
   */
  publish(data: unknown, options: PublishOptions = {}): Promise<Published> {
    checkNames(options, ["mid", "trace"]);
    const { mid, trace } = options;
    return this.#hub.publisher.publish(this.name, data, mid ?? this.#hub.settings.makeId(), trace);
  }

  /** Reads stored messages; needs no subscription. */
  async history(options: HistoryOptions = {}): Promise<HistoryPage> {
    checkNames(options, ["before", "after", "limit"]);
    const { before, after, limit } = options;
    const range = {
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
      ...(limit !== undefined && { limit }),
    };
    const answer = await this.#hub.requests.ask({ op: "history", ch: this.name, ...range });
    const { epoch, messages, more } = answer as HistoryOk;
    return { epoch, messages, more };
  }

  /**
   * Sets this connection's presence state, which the others get as `update`. It is kept through reconnects;
   * resolves when the gateway has it. Needs a subscription with `presence: true`. Rejects where the client is
   * closed or fails first; the state is said all the same if it connects again.
   */
  setState(data: unknown): Promise<void> {
    if (!this.#subscription.wantsPresence) return Promise.reject(notAMember(this.name));
    return this.#ownState.set(data);
  }

  /** Says something in passing. False where it was not sent, because there is no connection or it is busy. */
  signal(data: unknown): boolean {
    const link = this.#subscription.owner ?? this.#hub.link();
    return link?.isOpen === true && link.send({ op: "signal", ch: this.name, data });
  }

  /**
   * The messages from now on, for one loop. `maxBuffered` messages are held for a slow one; beyond that the loop
   * ends with a {@link StreamOverflow}, behind the last message that fits and without a gap.
   */
  messages(options: { maxBuffered?: number } = {}): AsyncIterableIterator<ChannelMessage> {
    const most = options.maxBuffered ?? this.#hub.settings.maxIteratorMessages;
    const stream = new MessageStream(most, (ended) => this.#streams.delete(ended));
    this.#streams.add(stream);
    return stream;
  }

  [Symbol.asyncIterator](): AsyncIterator<ChannelMessage> {
    return this.messages();
  }

  /** For the client: bring the subscription to another connection. */
  restore(link: Link): Promise<void> {
    return this.#subscription.restore(link);
  }

  /** For the client. */
  receive(link: Link, frame: PushedFrame): void {
    this.#subscription.frame(link, frame);
  }

  /** For the client: a connection is gone. */
  lost(link: Link): void {
    this.#subscription.lost(link);
  }

  /** For the client: it was closed (no error) or failed. */
  stop(error: PlexusError | null): void {
    const reason = error ?? new PlexusError("unavailable", "the client was closed");
    this.#subscription.stop(reason);
    this.#ownState.stop(reason);
    for (const stream of [...this.#streams]) stream.end(error);
  }

  #messageCame(message: ChannelMessage): void {
    this.emit("message", message);
    for (const stream of [...this.#streams]) stream.push(message);
  }

  #restored(link: Link, answer: SubOk, presence: boolean): void {
    if (!presence) return;
    this.presence.replace(answer.members ?? [], answer.count, answer.stale);
    this.#ownState.attach(link);
  }

  #ephemeral(frame: PresenceFrame | SignalFrame): void {
    if (frame.op === "presence") return this.presence.apply(frame);
    const { user, conn, data } = frame;
    this.emit("signal", { channel: this.name, user, conn, data });
  }

  #stateChanged(state: SubscriptionState): void {
    if (state.name === "subscribing") {
      this.presence.pause();
      this.#ownState.attach(null);
    } else if (state.name !== "subscribed") {
      this.presence.clear();
      this.#ownState.clear(notAMember(this.name));
      for (const stream of [...this.#streams]) stream.end(state.name === "failed" ? state.error : null);
    }
    this.emit("state", state);
  }
}
