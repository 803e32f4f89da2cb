/**
 * What each frame of a client does. Every function answers exactly once: with `ok`, or by throwing a
 * {@link PlexusError}, which becomes `err`.
 */
import {
  type Action,
  type AuthFrame,
  FRAGMENT_OVERHEAD_BYTES,
  fragmentFrom,
  type HistoryFrame,
  MAX_SIGNAL_BYTES,
  MAX_STATE_BYTES,
  type Member,
  PlexusError,
  type PresenceRequestFrame,
  type PubFrame,
  type SignalRequestFrame,
  type StateFrame,
  type SubFrame,
  subjects,
  type UnsubFrame,
} from "@plexus/protocol";
import {
  assertJsonSize,
  HISTORY_DEFAULT,
  type NatsConnection,
  type Publisher,
  type PublishItem,
  type Router,
  readHistory,
  readMembers,
  type Settings,
  type TenantLimits,
  type Tracer,
} from "@plexus/runtime";
import type { Verify } from "./auth/identity.js";
import type { Connection, Subscription } from "./connection.js";
import type { Lifecycle } from "./lifecycle/lifecycle.js";
import type { PageReader } from "./page-reader.js";
import { PendingPublish } from "./pending-publish.js";
import { joinChannel } from "./recovery.js";
import type { Relays } from "./relays.js";

export interface OperationLimits {
  channels: number;
  rewind: number;
  history: number;
  inFlight: number;
}

export interface OperationsContext {
  nats: NatsConnection;
  bus: { readonly isUp: boolean };
  router: Router;
  pages: PageReader;
  publisher: Publisher;
  relays: Relays;
  settings: Settings;
  tenants: TenantLimits;
  verify: Verify;
  limits: OperationLimits;
  lifecycle: Pick<Lifecycle, "subscribed" | "unsubscribed">;
  tracer: Pick<Tracer, "begin">;
  /** Sends what this connection has queued at the end of the turn. */
  flushLater: (connection: Connection) => void;
}

export class Operations {
  readonly #context: OperationsContext;
  #nextId = 1;

  constructor(context: OperationsContext) {
    this.#context = context;
  }

  /** `number`: which of the connection's publishes it is; `now`: when it was received, by the monotonic clock. */
  publish(connection: Connection, frame: PubFrame, number: number, now: number): void {
    this.#allow(connection, "pub", frame.ch);
    const { publisher, tenants, limits, flushLater, tracer } = this.#context;
    if (connection.inFlight >= limits.inFlight)
      throw new PlexusError("rate_limited", "too many requests without an answer yet", { retry: 100 });
    const data = JSON.stringify(frame.data);
    const bytes = Buffer.byteLength(data);
    const { user, tenant } = connection.identity;
    const trace = tracer.begin(tenant, frame.ch, frame.trace, "client");
    tenants.admitPublish(tenant, frame.ch, bytes, now);
    const { mid } = frame;
    const { sender } = connection;
    const id = mid ?? `${connection.id}.${this.#nextId++}`;
    // An id that is made here holds nothing that JSON would escape, and no character of more than a byte.
    const idJson = mid === undefined ? `"${id}"` : JSON.stringify(mid);
    const idBytes = mid === undefined ? idJson.length : Buffer.byteLength(idJson);
    const item: PublishItem = {
      id,
      user,
      fragment: fragmentFrom(idJson, sender.json, data),
      bytes: FRAGMENT_OVERHEAD_BYTES + idBytes + sender.bytes + bytes,
      given: mid !== undefined,
    };
    const pending = new PendingPublish(connection, frame, number, flushLater);
    publisher.publish(tenant, frame.ch, item, pending, trace);
  }

  async subscribe(connection: Connection, frame: SubFrame): Promise<void> {
    this.#allow(connection, "sub", frame.ch);
    const presence = frame.presence === true;
    const { relays, pages, limits, settings } = this.#context;
    const { tenant } = connection.identity;
    if (presence) {
      this.#allow(connection, "presence", frame.ch);
      if (!settings.of(tenant, frame.ch).presence)
        throw new PlexusError("bad_request", "presence is switched off in this namespace");
    }
    if ((frame.rewind ?? 0) > limits.rewind)
      throw new PlexusError("bad_request", `rewind may be ${limits.rewind} at most`);
    if (connection.subscriptions.has(frame.ch))
      throw new PlexusError("bad_request", "this connection is subscribed to the channel already");
    this.#admitChannel(connection);
    const relay = relays.acquire(tenant, frame.ch);
    const subscription: Subscription = {
      // The relay's own name of it, which is the same string for all who subscribe.
      channel: relay.channel,
      relay,
      presence,
      state: "joining",
      watching: false,
      number: 0,
      answered: false,
    };
    connection.subscriptions.set(relay.channel, subscription);
    try {
      await joinChannel(pages, connection, subscription, frame);
    } catch (error) {
      this.#leave(connection, subscription);
      throw error;
    }
    if (subscription.state !== "live") return;
    this.#context.lifecycle.subscribed(connection, subscription);
    if (subscription.presence) relay.memberJoined(newMember(connection));
  }

  unsubscribe(connection: Connection, frame: UnsubFrame): void {
    this.#leave(connection, this.#subscription(connection, frame.ch));
    connection.send({ op: "ok", id: frame.id });
  }

  async history(connection: Connection, frame: HistoryFrame): Promise<void> {
    this.#allow(connection, "history", frame.ch);
    const { router, limits } = this.#context;
    const { before, after } = frame;
    const limit = Math.min(frame.limit ?? HISTORY_DEFAULT, limits.history);
    const page = await readHistory(router, connection.identity.tenant, frame.ch, { before, after, limit });
    // Meanwhile another token may have come.
    this.#allow(connection, "history", frame.ch);
    connection.send({ op: "ok", id: frame.id, ...page });
  }

  async presence(connection: Connection, frame: PresenceRequestFrame): Promise<void> {
    this.#allow(connection, "presence", frame.ch);
    const relay = connection.subscriptions.get(frame.ch)?.relay;
    const list =
      relay !== undefined && connection.subscriptions.get(frame.ch)?.watching === true
        ? relay.presence.list()
        : await readMembers(this.#context.router, connection.identity.tenant, frame.ch);
    this.#allow(connection, "presence", frame.ch);
    const { members, stale } = list;
    const ok = { op: "ok" as const, id: frame.id, members, count: members.length };
    connection.send(stale ? { ...ok, stale } : ok);
  }

  state(connection: Connection, frame: StateFrame): void {
    const { relay, presence } = this.#subscription(connection, frame.ch);
    const member = relay.announcer.get(connection.id);
    if (!presence || member === undefined)
      throw new PlexusError("not_subscribed", "this connection is no member: subscribe with presence");
    assertJsonSize(frame.data, MAX_STATE_BYTES, "a presence state");
    relay.announcer.put({ ...member, state: frame.data });
    connection.send({ op: "ok", id: frame.id });
  }

  signal(connection: Connection, frame: SignalRequestFrame): void {
    this.#allow(connection, "signal", frame.ch);
    assertJsonSize(frame.data, MAX_SIGNAL_BYTES, "a signal");
    if (!this.#context.bus.isUp)
      throw new PlexusError("unavailable", "the bus is away, and signals are not kept", { retry: 1_000 });
    const { tenant, user } = connection.identity;
    this.#context.tenants.admitSignal(tenant, performance.now());
    const signal = { op: "signal", ch: frame.ch, user, conn: connection.id, data: frame.data };
    this.#context.nats.publish(subjects.event(tenant, frame.ch), JSON.stringify(signal));
  }

  async authenticate(connection: Connection, frame: AuthFrame): Promise<void> {
    const number = ++connection.tokensShown;
    const identity = await this.#context.verify(frame.token, connection);
    const { user, tenant } = connection.identity;
    if (identity.user !== user || identity.tenant !== tenant)
      throw new PlexusError("forbidden", "the token names another user or tenant: open a new connection");
    if (number > connection.tokenThatCounts) {
      connection.tokenThatCounts = number;
      connection.identify(identity);
      for (const subscription of [...connection.subscriptions.values()])
        this.#endWhatIsForbidden(connection, subscription);
    }
    connection.send({ op: "ok", id: frame.id, expires: connection.identity.expiresAt });
  }

  /** The connection is gone: so are its subscriptions. */
  leaveAll(connection: Connection): void {
    for (const subscription of [...connection.subscriptions.values()]) this.#leave(connection, subscription);
  }

  /** Ends a subscription, or its part in presence, that the token does not allow any more, and says so. */
  #endWhatIsForbidden(connection: Connection, subscription: Subscription): void {
    const { capabilities } = connection.identity;
    const { channel: ch, presence, answered } = subscription;
    const action = ["sub" as const, ...(presence ? ["presence" as const] : [])].find(
      (needed) => !capabilities.allows(needed, ch),
    );
    if (action === undefined) return;
    const refusal = notAllowed(action);
    const { code, message } = refusal;
    const only = action === "presence" ? { only: action } : {};
    // What was asked for together is refused together, and `sub` gets its answer.
    if (!answered) subscription.refusal = refusal;
    if (answered && action === "presence") this.#leavePresence(connection, subscription);
    else this.#leave(connection, subscription);
    if (answered) connection.send({ op: "ended", ch, code, message, ...only });
  }

  #leave(connection: Connection, subscription: Subscription): void {
    if (subscription.state === "left") return;
    subscription.state = "left";
    const { relay, channel } = subscription;
    connection.subscriptions.delete(channel);
    relay.readerLeft(connection);
    connection.leave(relay.key);
    this.#context.lifecycle.unsubscribed(connection, subscription);
    this.#leavePresence(connection, subscription);
    this.#context.relays.release(relay);
  }

  /** The subscription goes on without members: the connection is none any more, and hears of none. */
  #leavePresence(connection: Connection, subscription: Subscription): void {
    const { relay } = subscription;
    subscription.presence = false;
    connection.leavePresence(relay.key);
    relay.memberLeft(connection.id);
    if (subscription.watching) relay.presence.unwatch();
    subscription.watching = false;
  }

  #allow(connection: Connection, action: Action, channel: string): void {
    if (!connection.identity.capabilities.allows(action, channel)) throw notAllowed(action);
  }

  #admitChannel({ identity: { tenant }, subscriptions }: Connection): void {
    const { limits, tenants } = this.#context;
    const most = tenants.channels(tenant, limits.channels);
    if (subscriptions.size < most) return;
    if (most < limits.channels) tenants.refused(tenant, "channelsPerConnection");
    throw new PlexusError("limit_reached", `a connection may subscribe to ${most} channels`);
  }

  #subscription(connection: Connection, channel: string): Subscription {
    const subscription = connection.subscriptions.get(channel);
    if (subscription === undefined)
      throw new PlexusError("not_subscribed", "this connection is not subscribed to the channel");
    return subscription;
  }
}

function notAllowed(action: Action): PlexusError {
  return new PlexusError("forbidden", `the token does not allow "${action}" on this channel`);
}

function newMember(connection: Connection): Member {
  return { conn: connection.id, user: connection.identity.user, state: null, since: Date.now() };
}
