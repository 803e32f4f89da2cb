/**
 * A channel's members in its cell: runs the product's `PresenceSet` as `cells/src/channel-presence.ts` and `leases.ts`
 * do, with a Redis that may be away, or emptied.
 */
import { type HeldMember, PresenceSet } from "@plexus/cells/cores";
import type { PresenceEventFrame } from "@plexus/gateway/cores";
import type { PresenceChange, PresencePage, PresenceSnapshot, PresenceVersion } from "@plexus/runtime";
import type { Network } from "./network.js";
import { newLife } from "./schedule.js";

export const LEASE_MS = 6_000;
const SWEEP_MS = 1_000;
const EVENT_INTERVAL_MS = 50;
const RETRY_MS = 1_000;
const RESTORE_WAIT_MS = 250;

export class Redis {
  members = new Map<string, HeldMember>();
  leases = new Map<string, { token: string; endsAt: number }>();
  /** When it was first seen that a gateway has members. */
  noticed = new Map<string, number>();
  away = false;
  #tokens = 0;

  /** The lease's token; a new one where there was no lease. */
  renew(gateway: string, now: number): string {
    const lease = this.leases.get(gateway);
    const token = lease !== undefined && lease.endsAt > now ? lease.token : `t${++this.#tokens}`;
    this.leases.set(gateway, { token, endsAt: now + LEASE_MS });
    return token;
  }

  isOver(gateway: string, now: number): boolean {
    const endsAt = this.leases.get(gateway)?.endsAt ?? (this.noticed.get(gateway) ?? now) + LEASE_MS;
    return endsAt <= now;
  }

  empty(): void {
    this.members.clear();
    this.leases.clear();
    this.noticed.clear();
  }
}

export class PresenceActor {
  readonly #network: Network;
  readonly #redis: Redis;
  readonly #announce: (event: PresenceEventFrame) => void;
  readonly #sweeps: boolean;
  #life = newLife();
  #lives = 0;
  #set = new PresenceSet("life0");
  /** Commands that wait for what Redis remembers; null once it is known. */
  #waiting: Array<() => void> | null = [];
  #stale = false;
  #scheduled = false;
  #mirroring = false;

  constructor(
    network: Network,
    redis: Redis,
    announce: (event: PresenceEventFrame) => void,
    sweeps: boolean,
  ) {
    this.#network = network;
    this.#redis = redis;
    this.#announce = announce;
    this.#sweeps = sweeps;
    this.#begin();
  }

  get version(): PresenceVersion {
    return this.#set.version;
  }

  crash(): void {
    this.#life.alive = false;
    this.#life = newLife();
    this.#begin();
  }

  change(change: PresenceChange, done: () => void): void {
    this.#whenRestored(() => {
      this.#set.apply(change);
      this.#later(EVENT_INTERVAL_MS);
      done();
    });
  }

  page(page: PresencePage, done: (snapshot: PresenceSnapshot) => void): void {
    this.#whenRestored(() => done(this.#set.page(page, { stale: this.#stale })));
  }

  seenBy(gateway: string, done: (seen: { version: PresenceVersion; members: number }) => void): void {
    this.#whenRestored(() => done({ version: this.#set.version, members: this.#set.membersOf(gateway) }));
  }

  #whenRestored(run: () => void): void {
    if (this.#waiting === null) run();
    else this.#waiting.push(run);
  }

  #begin(): void {
    const { schedule } = this.#network;
    this.#set = new PresenceSet(`life${++this.#lives}`);
    this.#waiting = [];
    this.#stale = false;
    this.#scheduled = false;
    this.#mirroring = false;
    const waitMs = this.#redis.away ? RESTORE_WAIT_MS : this.#network.delayMs();
    schedule.after(Math.min(waitMs, RESTORE_WAIT_MS), this.#life, () => this.#restored());
    this.#sweepLater();
  }

  #restored(): void {
    if (this.#redis.away) {
      this.#stale = true;
      this.#later(RETRY_MS);
    } else this.#set.restore(this.#redis.members.values());
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const run of waiting) run();
  }

  #later(ms: number): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#network.schedule.after(ms, this.#life, () => {
      this.#scheduled = false;
      const event = this.#set.takeEvent();
      if (event !== null) {
        const { version: v, join, leave, update } = event;
        this.#announce({ v, join, leave, update });
      }
      this.#writeBack();
    });
  }

  #writeBack(): void {
    if (this.#mirroring) return;
    this.#mirroring = true;
    const unmirrored = this.#set.takeUnmirrored();
    this.#network.schedule.after(this.#network.delayMs(), this.#life, () => {
      this.#mirroring = false;
      if (this.#redis.away) {
        this.#set.unmirror(unmirrored);
        return this.#later(RETRY_MS);
      }
      if (this.#stale) this.#set.restoreLate(this.#redis.members.values());
      this.#stale = false;
      for (const { conn, member } of unmirrored.changes) {
        if (member === undefined) this.#redis.members.delete(conn);
        else this.#redis.members.set(conn, member);
      }
      if (this.#set.changed || !this.#set.mirrored) this.#later(EVENT_INTERVAL_MS);
    });
  }

  #sweepLater(): void {
    const { schedule } = this.#network;
    schedule.after(SWEEP_MS, this.#life, () => {
      if (this.#sweeps && !this.#redis.away && this.#waiting === null) this.#sweep(schedule.now);
      this.#sweepLater();
    });
  }

  /** The members of gateways whose lease is over leave. */
  #sweep(now: number): void {
    const gateways = new Set([...this.#redis.members.values()].map(({ gateway }) => gateway));
    for (const gateway of this.#set.gateways) gateways.add(gateway);
    for (const gateway of gateways) {
      if (!this.#redis.noticed.has(gateway)) this.#redis.noticed.set(gateway, now);
      if (!this.#redis.isOver(gateway, now)) continue;
      this.#network.schedule.note(() => `the lease of ${gateway} is over`);
      this.#set.drop(gateway);
      this.#later(0);
    }
  }
}
