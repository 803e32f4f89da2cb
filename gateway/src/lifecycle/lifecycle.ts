import { subjects } from "@plexus/protocol";
import {
  type AliveAnswer,
  type Subscription as BusSubscription,
  connectionEventId,
  gatewayOf,
  isNoResponders,
  jitteredMs,
  type LifecycleEvent,
  type Logger,
  type Msg,
  measureQueue,
  type NatsConnection,
  type Settings,
  StreamWriter,
  sourceName,
  subscribe,
  subscriptionEventId,
  tracksConnections,
} from "@plexus/runtime";
import type { Connection, Subscription } from "../connection.js";
import * as metrics from "../metrics.js";
import { rosterParts } from "./roster.js";

const ALIVE_INTERVAL_MS = 2_000;
/** After events were given up: a roster once the bus takes something again, and one more when all is quiet. */
const ROSTER_AGAIN_MS = 10_000;
const STOP_DEADLINE_MS = 2_000;
const POLL_MS = 20;

export interface LifecycleContext {
  nats: NatsConnection;
  settings: Settings;
  connections: { all(): Iterable<Connection> };
  instance: string;
  /** Events that may wait. */
  buffer: number;
  /** Milliseconds between two rosters. */
  rosterMs: number;
  log: Logger;
}

/**
 * Writes what happens to this gateway's connections into the stream of lifecycle events, for tenants whose settings
 * want that; all others cost one look into an empty map.
 */
export class Lifecycle {
  readonly #context: LifecycleContext;
  readonly #writer: StreamWriter;
  readonly #answers: BusSubscription;
  readonly #inbox: string;
  readonly #alive: NodeJS.Timeout;
  readonly #unwatch: () => void;
  /** Tenants that are followed, and whether a roster of them has been written by this source. */
  readonly #tracked = new Map<string, { told: boolean }>();
  #life = 0;
  #roster = 0;
  #nextRosterAt: number;
  #dropped = false;

  constructor(context: LifecycleContext) {
    this.#context = context;
    const { nats, settings, instance, buffer, log } = context;
    this.#writer = new StreamWriter(
      nats,
      instance,
      {
        maxWaiting: buffer,
        onDropped: (count) => {
          this.#dropped = true;
          metrics.lifecycleEvents.inc({ outcome: "dropped" }, count);
        },
        onStored: (count) => {
          metrics.lifecycleEvents.inc({ outcome: "stored" }, count);
          if (this.#dropped) this.#onRecovered();
        },
      },
      log,
    );
    measureQueue("lifecycle_events", buffer, () => this.#writer.waiting);
    this.#inbox = `_INBOX.alive.${crypto.randomUUID()}`;
    this.#answers = subscribe(nats, this.#inbox, log, (message) => this.#onAnswer(message));
    this.#nextRosterAt = performance.now() + jitteredMs(context.rosterMs);
    for (const tenant of settings.tenants.keys()) this.#follow(tenant);
    this.#unwatch = settings.onChange((tenant) => {
      for (const name of tenant === null ? settings.tenants.keys() : [tenant]) this.#follow(name);
    });
    this.#alive = setInterval(() => this.#onInterval(), ALIVE_INTERVAL_MS);
    this.#onInterval();
  }

  get #source(): string {
    return sourceName(this.#context.instance, this.#life);
  }

  connected(connection: Connection): void {
    this.#write(connection, "connected", connectionEventId(this.#source, connection.id, "connected"));
  }

  disconnected(connection: Connection, code: number): void {
    const id = connectionEventId(this.#source, connection.id, "disconnected");
    this.#write(connection, "disconnected", id, { code });
  }

  /** A subscription came about; numbers it, whether or not anybody is told. */
  subscribed(connection: Connection, subscription: Subscription): void {
    subscription.number = ++connection.subscriptionsMade;
    this.#writeSubscription(connection, subscription, "subscribed");
  }

  unsubscribed(connection: Connection, subscription: Subscription): void {
    if (subscription.number > 0) this.#writeSubscription(connection, subscription, "unsubscribed");
  }

  /** Waits a moment for what was written last. */
  async stop(): Promise<void> {
    this.#unwatch();
    clearInterval(this.#alive);
    const deadlineAt = performance.now() + STOP_DEADLINE_MS;
    while (this.#writer.waiting > 0 && performance.now() < deadlineAt)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    this.#answers.unsubscribe();
    this.#writer.stop();
  }

  #writeSubscription(
    connection: Connection,
    { channel, number }: Subscription,
    kind: "subscribed" | "unsubscribed",
  ): void {
    const id = subscriptionEventId(this.#source, connection.id, number, kind);
    this.#write(connection, kind, id, { ch: channel, sub: number });
  }

  #write(
    connection: Connection,
    kind: LifecycleEvent["kind"],
    id: string,
    more: Partial<LifecycleEvent> = {},
  ): void {
    const { user, tenant } = connection.identity;
    if (!this.#tracked.has(tenant)) return;
    const source = this.#source;
    const gateway = gatewayOf(source);
    const event: LifecycleEvent = {
      id,
      kind,
      tenant,
      ts: Date.now(),
      user,
      conn: connection.id,
      gateway,
      source,
    };
    const data = JSON.stringify({ ...event, ...more });
    this.#writer.add({ subject: subjects.lifecycle(tenant, kind, more.ch), id, data });
  }

  #follow(tenant: string): void {
    const wanted = tracksConnections(this.#context.settings, tenant);
    if (wanted === this.#tracked.has(tenant)) return;
    if (wanted) {
      this.#tracked.set(tenant, { told: false });
      this.#writeRoster(tenant);
    } else {
      this.#tracked.delete(tenant);
      this.#writeRoster(tenant, true);
    }
  }

  #writeRosters(): void {
    this.#nextRosterAt = performance.now() + jitteredMs(this.#context.rosterMs);
    for (const tenant of this.#tracked.keys()) this.#writeRoster(tenant);
  }

  /** All of it in this turn, so that it lies between what happened before and what happens after. */
  #writeRoster(tenant: string, off = false): void {
    const source = this.#source;
    const tracked = this.#tracked.get(tenant);
    const first = tracked?.told === false;
    if (tracked !== undefined) tracked.told = true;
    const roster = ++this.#roster;
    const head = { source, tenant, roster, first, ts: Date.now(), ...(off ? { off: true as const } : {}) };
    const held = off ? [] : this.#connectionsOf(tenant);
    for (const part of rosterParts(head, held))
      this.#writer.add({
        subject: subjects.roster(source, tenant),
        id: `${source}.${roster}.${part.part}`,
        data: JSON.stringify(part),
        keep: true,
      });
  }

  *#connectionsOf(tenant: string): Generator<Connection> {
    for (const connection of this.#context.connections.all())
      if (connection.isOpen && connection.isWelcome && connection.identity.tenant === tenant)
        yield connection;
  }

  #onInterval(): void {
    if (this.#tracked.size === 0) return;
    if (performance.now() > this.#nextRosterAt) this.#writeRosters();
    const { nats } = this.#context;
    nats.publish(subjects.gatewayAlive, JSON.stringify({ source: this.#source }), { reply: this.#inbox });
  }

  #onRecovered(): void {
    this.#dropped = false;
    this.#context.log.warn("lifecycle events were given up while the bus took none: writing rosters");
    this.#writeRosters();
    this.#nextRosterAt = performance.now() + ROSTER_AGAIN_MS;
  }

  #onAnswer(message: Msg): void {
    if (isNoResponders(message)) return;
    const { source, ended, roster } = message.json<AliveAnswer>();
    // Each keeper says it; the first one has been heard already.
    if (source !== this.#source) return;
    if (ended === true) {
      this.#context.log.warn({ source }, "given up for dead in the meantime: beginning a new life");
      this.#life++;
      for (const tracked of this.#tracked.values()) tracked.told = false;
    }
    if (ended === true || roster === true) this.#writeRosters();
  }
}
