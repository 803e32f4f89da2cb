import { subjects } from "@plexus/protocol";
import {
  type ChannelQuestion,
  type ChannelSubscribers,
  type Disconnected,
  type DisconnectOrder,
  type DrainAnswer,
  type DrainOrder,
  type GatewayStatus,
  type HubOptions,
  type Logger,
  type NatsConnection,
  OperationStore,
  type Subscription,
  subscribe,
  type UserConnection,
  type UserConnections,
  type UserQuestion,
} from "@plexus/runtime";
import type { Connection } from "./connection.js";
import type { Connections } from "./connections.js";
import { Drain, type DrainOptions } from "./drain.js";
import type { Relays } from "./relays.js";

const REPORT_INTERVAL_MS = 250;
const LAST_REPORT_MS = 1_000;
/** Bounds of one answer: far below the broker's 1 MB even with the longest names. */
const MAX_LISTED_CONNECTIONS = 200;
const MAX_LISTED_CHANNELS = 2_000;

export interface ControlContext {
  nats: NatsConnection;
  /** Where the operations are kept. */
  hub: HubOptions;
  gateway: string;
  instance: string;
  connections: Connections;
  relays: Relays;
  drainOptions: DrainOptions;
  /** Stops accepting connections; may be called more than once. */
  stopListening: () => void;
  log: Logger;
}

/** Answers the admin API's questions about this gateway, and carries out its orders. */
export class Control {
  readonly #context: ControlContext;
  readonly #startedAt = Date.now();
  readonly #subscriptions: Subscription[];
  #drain: Drain | undefined;
  #draining: Promise<DrainAnswer> | undefined;
  #reporting: Promise<void> | undefined;
  #operation: string | null = null;
  #stopped = false;

  constructor(context: ControlContext) {
    this.#context = context;
    const { nats, gateway, log } = context;
    const serve = <Q>(subject: string, answer: (question: Q) => object) =>
      subscribe(nats, subject, log, (message) => message.respond(JSON.stringify(answer(message.json<Q>()))));
    this.#subscriptions = [
      serve(subjects.gatewayStatus, () => this.#status()),
      serve<ChannelQuestion>(subjects.channelSubscribers, (question) => this.#subscribers(question)),
      serve<UserQuestion>(subjects.userConnections, (question) => this.#connectionsOf(question)),
      serve<DisconnectOrder>(subjects.disconnectUser, (order) => this.#disconnect(order)),
      subscribe(nats, subjects.drainGateway(gateway), log, (message) => {
        const respond = (answer: DrainAnswer) => message.respond(JSON.stringify(answer));
        return this.#drainOnce(message.json<DrainOrder>()).then(respond);
      }),
    ];
  }

  /** To be called once no connection is left, so that a drain under way is reported as done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#drain?.stop();
    const late = new Promise<void>((resolve) => setTimeout(resolve, LAST_REPORT_MS).unref());
    await Promise.race([this.#reporting, late]);
  }

  get #name() {
    return { id: this.#context.gateway, instance: this.#context.instance };
  }

  #status(): GatewayStatus {
    const { connections, relays } = this.#context;
    let channels = 0;
    for (const relay of relays.all()) if (relay.subscribers > 0) channels++;
    return {
      ...this.#name,
      connections: connections.size,
      channels,
      draining: connections.draining,
      operation: this.#operation,
      startedAt: this.#startedAt,
    };
  }

  #subscribers({ tenant, channel }: ChannelQuestion): ChannelSubscribers {
    return { ...this.#name, subscribers: this.#context.relays.find(tenant, channel)?.subscribers ?? 0 };
  }

  #connectionsOf(question: UserQuestion): UserConnections {
    const found = this.#find(question);
    let room = MAX_LISTED_CHANNELS;
    const shown = found.slice(0, MAX_LISTED_CONNECTIONS).map((connection): UserConnection => {
      const channels = [...connection.subscriptions.keys()].slice(0, room);
      room -= channels.length;
      const { id: conn, openedAt, identity } = connection;
      return { conn, openedAt, expiresAt: identity.expiresAt, channels };
    });
    return { ...this.#name, connections: shown, count: found.length };
  }

  #disconnect(order: DisconnectOrder): Disconnected {
    const found = this.#find(order).filter(({ id }) => order.conn === undefined || order.conn === id);
    for (const connection of found) connection.close("disconnected");
    return { ...this.#name, closed: found.length };
  }

  #find({ tenant, user }: UserQuestion): Connection[] {
    return [...this.#context.connections.all()].filter(
      ({ isWelcome, identity }) => isWelcome && identity.user === user && identity.tenant === tenant,
    );
  }

  /** One drain per life of a gateway: the same order again answers the same operation. */
  #drainOnce(order: DrainOrder): Promise<DrainAnswer> {
    this.#draining ??= this.#startDrain(order).catch((error: unknown) => {
      this.#context.log.warn({ err: error }, "the drain could not begin");
      this.#draining = undefined;
      this.#operation = null;
      return { ...this.#name, operation: null };
    });
    return this.#draining;
  }

  async #startDrain(order: DrainOrder): Promise<DrainAnswer> {
    const { nats, hub, gateway, connections, drainOptions, stopListening, log } = this.#context;
    const { operation } = order;
    this.#operation = operation;
    const store = await OperationStore.open(nats, log, hub);
    await store.create(operation, "gateway-drain", gateway, 0, Date.now());
    stopListening();
    const perSecond = order.perSecond ?? drainOptions.perSecond;
    const drain = new Drain(connections, { ...drainOptions, perSecond });
    this.#drain = drain;
    log.info({ operation, total: drain.total, perSecond }, "draining");
    this.#reporting = this.#report(store, operation, drain);
    return { ...this.#name, operation };
  }

  /** Writes the drain's progress where it outlives whoever asked for it. */
  async #report(store: OperationStore, id: string, drain: Drain): Promise<void> {
    const { gateway, log } = this.#context;
    for (let reported = -1; ; ) {
      try {
        const { moved, done } = drain;
        if (moved !== reported || done) {
          await writeProgress(store, id, gateway, drain);
          reported = moved;
        }
        if (done) return log.info({ operation: id }, "drained");
      } catch (error) {
        log.warn({ err: error, operation: id }, "the drain's progress could not be reported");
      }
      if (this.#stopped && !drain.done) return;
      await new Promise((resolve) => setTimeout(resolve, REPORT_INTERVAL_MS));
    }
  }
}

async function writeProgress(
  store: OperationStore,
  id: string,
  gateway: string,
  { moved, total, done }: Drain,
): Promise<void> {
  await store.change(id, (operation) => ({
    ...operation,
    progress: { [gateway]: { moved, total, done } },
    ...(done ? { state: "done" as const, finishedAt: Date.now() } : {}),
  }));
}
