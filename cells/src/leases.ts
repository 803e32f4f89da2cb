import { BOT_LEASE_MS, subjects } from "@plexus/protocol";
import {
  checkNats,
  type Logger,
  type NatsConnection,
  partitionOf,
  type Subscription,
  subscribe,
} from "@plexus/runtime";
import type { Actor } from "./actor.js";
import type { Actors } from "./actors.js";
import { isBotGateway } from "./bots/bot-gateway.js";
import * as metrics from "./metrics.js";
import { LEASE_MS, type PresenceStore } from "./presence-store.js";

const SWEEP_INTERVAL_MS = 1_000;
/** Two sweeps so far apart: this process was paused or starved, and renewals may wait to be read. */
const PAUSED_MS = 3_000;
/** A server that hangs is cut off after seconds only: by then leases would have ended. */
const BUS_ANSWERS_WITHIN_MS = 1_000;
/** Redis may have been emptied after a gateway died, and with it every word of that gateway. */
const EXPECT_EVERY_SWEEPS = 4;
/** Channels of one ended gateway that are handled at once. */
const BATCH = 200;

/**
 * Keeps the leases of gateways, and of bots in each channel that they joined: renews them when they ask, and when one ends, has the actors of this worker's
 * partitions let its members go. Every worker does its own share, again and again until nothing is left.
 */
export class Leases {
  readonly #store: PresenceStore;
  readonly #actors: Actors;
  readonly #owns: (partition: number) => boolean;
  readonly #log: Logger;
  readonly #subscription: Subscription;
  readonly #timer: NodeJS.Timeout;
  readonly #nats: NatsConnection;
  #sweeping = false;
  /**
   * Gateways renew over the bus, through this process, in Redis: while one of them is away, and just after, the end of a
   * lease says nothing about them.
   */
  #sweepFrom: number;
  #lastTickAt: number;
  readonly #now: () => number;
  #swept = new Set<string>();
  #sweeps = 0;

  constructor(context: {
    nats: NatsConnection;
    cell: string;
    store: PresenceStore;
    actors: Actors;
    owns: (partition: number) => boolean;
    log: Logger;
    now?: () => number;
  }) {
    this.#now = context.now ?? (() => performance.now());
    this.#nats = context.nats;
    this.#lastTickAt = this.#now();
    this.#sweepFrom = this.#lastTickAt + LEASE_MS;
    this.#store = context.store;
    this.#actors = context.actors;
    this.#owns = context.owns;
    this.#log = context.log;
    const renew = (gateway: string, respond: (token: string) => void) =>
      this.#store.renew(gateway).then(respond, (error: unknown) => {
        // The gateway gets no answer and keeps the token it has; Redis being away is logged once elsewhere.
        this.#log.debug({ err: error, gateway }, "lease could not be renewed");
        this.#giveTime();
      });
    // Every worker renews, which comes to the same: of a queue group, one that hangs would swallow its share.
    this.#subscription = subscribe(context.nats, subjects.lease(context.cell), this.#log, (message) =>
      renew(message.string(), (token) => message.respond(token)),
    );
    this.#timer = setInterval(() => this.#tick(), SWEEP_INTERVAL_MS);
    void this.#watchBus(context.nats);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription.unsubscribe();
  }

  async #watchBus(nats: NatsConnection): Promise<void> {
    for await (const { type } of nats.status()) {
      if (type === "disconnect") this.#sweepFrom = Number.POSITIVE_INFINITY;
      else if (type === "reconnect") this.#sweepFrom = this.#now() + LEASE_MS;
    }
  }

  /** Whether the end of a lease says something. */
  get #trusts(): boolean {
    return this.#now() >= this.#sweepFrom;
  }

  #tick(): void {
    const now = this.#now();
    const pausedMs = now - this.#lastTickAt;
    this.#lastTickAt = now;
    if (pausedMs > PAUSED_MS) this.#giveTime();
    // A connection that is lost is known to be.
    if (!this.#sweeping && this.#sweepFrom !== Number.POSITIVE_INFINITY) void this.#sweep();
  }

  async #sweep(): Promise<void> {
    this.#sweeping = true;
    try {
      if ((await checkNats(this.#nats, BUS_ANSWERS_WITHIN_MS)) !== undefined) return this.#giveTime();
      if (!this.#trusts) return;
      if (this.#sweeps++ % EXPECT_EVERY_SWEEPS === 0)
        await this.#store.expect(this.#actors.byGateway().keys());
      const ended = [...(await this.#store.endedGateways()), ...(await this.#endedBots())];
      // Meanwhile it may have turned out that it says nothing.
      if (!this.#trusts) return;
      const present = ended.length === 0 ? new Map<string, Actor[]>() : this.#actors.byGateway();
      for (const gateway of ended) await this.#release(gateway, present.get(gateway) ?? []);
      this.#swept = new Set(ended);
    } catch (error) {
      this.#log.debug({ err: error }, "leases could not be swept");
      this.#giveTime();
    } finally {
      this.#sweeping = false;
    }
  }

  /** Bots renew theirs less often: they get the time of one of their leases. */
  async #endedBots(): Promise<string[]> {
    return this.#now() < this.#sweepFrom - LEASE_MS + BOT_LEASE_MS ? [] : this.#store.endedBots();
  }

  /** Everybody may renew before anybody's end is believed. */
  #giveTime(): void {
    this.#sweepFrom = Math.max(this.#sweepFrom, this.#now() + LEASE_MS);
  }

  /** @param present the actors here that know of members of it, whatever Redis remembers */
  async #release(gateway: string, present: readonly Actor[]): Promise<void> {
    if (!this.#swept.has(gateway)) {
      if (isBotGateway(gateway)) metrics.sweptBots.inc();
      else metrics.sweptGateways.inc();
      this.#log.info({ gateway }, "a lease ended, its members leave");
    }
    let batch: Array<Promise<void>> = [];
    for await (const key of this.#store.heldBy(gateway)) {
      if (!this.#owns(partitionOf(key))) continue;
      const actor = this.#actors.byKey(key);
      if (actor !== undefined) batch.push(actor.dropGateway(gateway));
      if (batch.length < BATCH) continue;
      await Promise.all(batch);
      batch = [];
    }
    await Promise.all(batch);
    for (const actor of present) await actor.dropGateway(gateway);
    await this.#store.forget(gateway);
  }
}
