import { isBot, isChannel, isTenant, PlexusError, subjects } from "@plexus/protocol";
import {
  AuthorizationError,
  connect,
  type NatsConnection,
  nkeyAuthenticator,
  UserAuthenticationExpiredError,
} from "nats";
import { BotChannel } from "./channel.js";
import { Membership } from "./membership.js";
import { Requests } from "./requests.js";
import { BotSubscription, type Handler, type SubscribeOptions } from "./subscription.js";

const PING_INTERVAL_MS = 5_000;
const RECONNECT_WAIT_MS = 500;
/** A server that is just reading its configuration may leave a new connection without an answer. */
const CONNECT_TIMEOUT_MS = 3_000;
/** For the last words of a bot that closes, where the server or the workers do not answer. */
const CLOSE_WITHIN_MS = 2_500;
/** In a row, after which it is over. The first may be the end of a connection whose login has just been changed. */
const MAX_REFUSALS = 2;

export interface BotOptions {
  /** Address of the NATS server, as in `nats://127.0.0.1:4222`, or several with commas in between. */
  servers: string;
  tenant: string;
  /** 1 to 32 of a-z 0-9 - */
  name: string;
  /** What it logs in with (`SU…`); none where the server asks for none. */
  seed?: string | undefined;
  /** Told of what is tried again behind the scenes, and of subscriptions that ended; console.error unless given. */
  onWarning?: (error: unknown) => void;
}

/** Connects; rejects where the server refuses (`unauthorized`: the login). From then on it reconnects by itself. */
export async function connectBot(options: BotOptions): Promise<Bot> {
  const { servers, tenant, name, seed } = options;
  if (!isTenant(tenant) || !isBot(name))
    throw new PlexusError("bad_request", "tenant and name are 1 to 32 of a-z 0-9 -");
  const nats = await connect({
    servers: servers.split(","),
    name: `bot ${tenant}/${name}`,
    inboxPrefix: subjects.botInbox(tenant, name),
    maxReconnectAttempts: -1,
    // Its own end after two refusals takes a login that was not heard in time for one: see isRefusal.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    timeout: CONNECT_TIMEOUT_MS,
    ...(seed === undefined
      ? {}
      : { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed.trim())) }),
  }).catch((cause: unknown) => {
    if (!isRefusal(cause)) throw cause;
    const why = seed === undefined ? "it wants a seed" : "the seed is revoked, or not of this server";
    throw new PlexusError("unauthorized", `the NATS server refuses the bot ${tenant}/${name}: ${why}`, {
      cause,
    });
  });
  return new Bot(nats, options);
}

export class Bot {
  /** For what a plain NATS client can do beside. */
  readonly nats: NatsConnection;
  readonly tenant: string;
  readonly name: string;
  readonly #requests: Requests;
  readonly #channels = new Map<string, BotChannel>();
  readonly #subscriptions = new Set<BotSubscription>();
  readonly #memberships = new Map<string, Membership>();
  readonly #warn: (error: unknown) => void;
  readonly #ended: Promise<Error | undefined>;
  /** Since it was last connected, and the last of them. */
  #refusals = 0;
  #refusal: Error | undefined;

  /** Use {@link connectBot}. */
  constructor(nats: NatsConnection, { tenant, name, onWarning = console.error }: BotOptions) {
    this.nats = nats;
    this.tenant = tenant;
    this.name = name;
    this.#warn = onWarning;
    this.#requests = new Requests(nats, tenant, name);
    void this.#watch();
    this.#ended = nats.closed().then((error) => error ?? this.#refusal);
    void this.#ended.then((cause) => {
      const ended = new PlexusError("unavailable", "the connection has ended", { cause });
      this.#requests.end(ended);
      for (const subscription of this.#subscriptions) subscription.fail(ended);
      for (const membership of this.#memberships.values()) membership.end();
    });
  }

  /** Resolves when the connection has ended for good; with the reason if it was not closed here: credentials revoked, say. */
  closed(): Promise<Error | undefined> {
    return this.#ended;
  }

  channel(name: string): BotChannel {
    checked(name);
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const channel = new BotChannel(name, this.#requests, (ch, state) => this.#join(ch, state));
    this.#channels.set(name, channel);
    return channel;
  }

  /** Has every message of a channel handled, one after the other, in order. A handler that throws ends it: see `done`. */
  subscribe(channel: string, handler: Handler, options: SubscribeOptions = {}): BotSubscription {
    checked(channel);
    const context = { nats: this.nats, requests: this.#requests, tenant: this.tenant, channel };
    const subscription = new BotSubscription(context, handler, options);
    this.#subscriptions.add(subscription);
    subscription.done.then(
      () => this.#subscriptions.delete(subscription),
      (error: unknown) => {
        this.#subscriptions.delete(subscription);
        this.#warn(error);
      },
    );
    return subscription;
  }

  /**
   * Ends subscriptions, with their positions stored, leaves the channels that were joined, and disconnects. A server that
   * does not answer is waited for 2.5 s at most: then positions and leaves go without saying, the one by what comes
   * again, the other by its lease. Handlers under way are waited for.
   */
  async close(): Promise<void> {
    const closing = new PlexusError("unavailable", "the bot is closed");
    const timer = setTimeout(() => this.#requests.end(closing), CLOSE_WITHIN_MS);
    const ends = [
      ...[...this.#subscriptions].map((subscription) => subscription.close()),
      ...[...this.#memberships.values()].filter(({ isMember }) => isMember).map((member) => member.leave()),
    ];
    const ended = await Promise.allSettled(ends);
    clearTimeout(timer);
    for (const end of ended) if (end.status === "rejected") this.#warn(end.reason);
    // What has just been written to a socket that the server has ended fails in the next tick. Closed before that, the
    // NATS client no longer listens for it, and the failure would end the bot's process.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#disconnect();
  }

  async #disconnect(): Promise<void> {
    await this.nats.close();
    discardDial(this.nats);
  }

  async #join(channel: string, state: unknown): Promise<Membership> {
    const known = this.#memberships.get(channel);
    const membership = known ?? new Membership(this.#requests, channel, this.#warn);
    this.#memberships.set(channel, membership);
    await membership.update(state);
    return membership;
  }

  async #watch(): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === "error") {
        this.#warn(status.error);
        if (isRefusal(status.error)) void this.#refused(status.error);
      }
      if (status.type !== "reconnect") continue;
      this.#refusals = 0;
      for (const subscription of this.#subscriptions) subscription.lookAgain();
      for (const membership of this.#memberships.values()) membership.renew();
    }
  }

  async #refused(error: Error): Promise<void> {
    if (++this.#refusals < MAX_REFUSALS || this.nats.isClosed()) return;
    this.#refusal = error;
    await this.#disconnect();
  }
}

/**
 * The login is not taken. A server that did not hear it in time, being busy or behind a network that holds it back, ends the
 * connection with an error of the same class: that is tried again like any other loss.
 */
function isRefusal(error: unknown): error is Error {
  if (error instanceof UserAuthenticationExpiredError) return true;
  return error instanceof AuthorizationError && !/timeout/i.test(error.message);
}

/**
 * Closed while it waits for the first word of a server, the NATS client forgets the socket, which keeps the process alive
 * for as long as that server says nothing. What it is reached by is not part of the client's interface.
 */
function discardDial(nats: NatsConnection): void {
  const { protocol } = nats as { protocol?: { transport?: { discard?: () => void } } };
  protocol?.transport?.discard?.();
}

function checked(channel: string): void {
  if (!isChannel(channel))
    throw new PlexusError("bad_request", `"${channel}" is no channel; for wildcards subscribe with bot.nats`);
}
