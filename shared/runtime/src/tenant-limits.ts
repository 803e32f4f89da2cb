/**
 * What a tenant may do here and now: its quotas, of which other processes use a part, and its part of the work where
 * this process can't keep up. One place for clients, in gateways, and for bots, in workers.
 *
 * Time is an argument; {@link startTenantLimits} runs it.
 */
import { PlexusError } from "@plexus/protocol";
import { DELIVERY_WORK, FairShare, type FairShareOptions, publishWork, type Strain } from "./fair-share.js";
import type { Settings } from "./settings.js";
import type { Quotas } from "./settings-schema.js";
import * as metrics from "./tenant-metrics.js";
import { TenantState } from "./tenant-state.js";
import { type TenantStored, TenantUsage, type TenantUsed, type UsageMessage } from "./tenant-usage.js";

/** Tenants in one usage message: about 100 KB. */
const MAX_SAID = 2_000;
/** Tenants that are kept track of; further ones are refused. */
const MAX_TENANTS = 200_000;
/** Until what the logs hold may have been measured again. */
const STORED_RETRY_MS = 60_000;

/** Until one of a tenant's connections may have ended. */
const CONNECTION_RETRY_MS = 2_000;

export type TenantLimit = keyof Quotas | "fairShare" | "tenants";

const REFUSALS = {
  messagesInPerSecond: "the tenant publishes more per second than it may",
  messagesOutPerSecond: "the tenant's subscribers receive more per second than they may",
  fairShare: "this process has as much to do as it can, and the tenant more than its part of it",
} as const;

interface Stored {
  readonly cell: string;
  readonly bytes: readonly TenantStored[];
}

export class TenantLimits {
  readonly #settings: Settings;
  readonly #by: string;
  readonly #states = new Map<string, TenantState>();
  readonly #usage = new TenantUsage();
  readonly #fair: FairShare;
  #stored: Stored | null = null;

  /** `by`: this process, for the others. */
  constructor(context: { settings: Settings; by: string; fair: FairShareOptions; now: number }) {
    this.#settings = context.settings;
    this.#by = context.by;
    this.#fair = new FairShare(context.fair, context.now);
    this.#settings.onChange(() => {
      for (const state of this.#states.values()) this.#configure(state);
    });
  }

  /** Throws a {@link PlexusError} unless a message with so many bytes of data may be published there now. */
  admitPublish(tenant: string, channel: string, bytes: number, now: number): void {
    const { maxMessageBytes } = this.#settings.of(tenant, channel);
    if (bytes > maxMessageBytes)
      throw new PlexusError("too_large", `data may be ${maxMessageBytes} bytes of JSON here`);
    const state = this.#state(tenant);
    const { messageBytes, historyBytes } = state.quotas;
    if (messageBytes !== undefined && bytes > messageBytes) {
      this.#count(state, "messageBytes");
      throw new PlexusError("too_large", `data may be ${messageBytes} bytes of JSON for this tenant`);
    }
    if (historyBytes !== undefined && this.#usage.stored(tenant) >= historyBytes) {
      this.#count(state, "historyBytes");
      throw new PlexusError("limit_reached", "the tenant stores as much as it may", {
        retry: STORED_RETRY_MS,
      });
    }
    this.#admit(state, now);
    this.#fair.worked(tenant, publishWork(bytes), now);
  }

  /** The same for a signal. */
  admitSignal(tenant: string, now: number): void {
    this.#admit(this.#state(tenant), now);
    this.#fair.worked(tenant, publishWork(0), now);
  }

  /** For a publish that has to wait for another reason: not before so many milliseconds; 0 where nothing stands against it. */
  turn(tenant: string, now: number): number {
    const state = this.#state(tenant);
    return Math.max(state.outgoingDebt(now), this.#fair.turn(tenant, now), state.incomingTurn(now));
  }

  /** For what was admitted elsewhere, and comes here in batches: throws where it is more than the tenant's part. */
  admitWork(tenant: string, work: number, now: number): void {
    const retry = this.#fair.admit(tenant, now);
    if (retry > 0) throw this.#refusal(this.#state(tenant), "fairShare", retry);
    this.#fair.worked(tenant, work, now);
  }

  /** Counts a connection, to be given back with {@link disconnected}; throws where the tenant has as many as it may. */
  connected(tenant: string): void {
    const state = this.#state(tenant);
    const { connections } = state.quotas;
    const others = this.#usage.others(tenant);
    if (connections !== undefined && state.connections + others.connections >= connections) {
      this.#count(state, "connections");
      throw new PlexusError("limit_reached", `the tenant may have ${connections} connections`, {
        retry: CONNECTION_RETRY_MS,
      });
    }
    state.connections++;
  }

  disconnected(tenant: string): void {
    const state = this.#states.get(tenant);
    if (state !== undefined) state.connections--;
  }

  /** How many channels one connection may subscribe to, where the gateway allows `most`. */
  channels(tenant: string, most: number): number {
    return Math.min(most, this.#settings.tenant(tenant).quotas.channelsPerConnection ?? most);
  }

  /** Counts a refusal that was decided elsewhere. */
  refused(tenant: string, limit: TenantLimit): void {
    const label = this.#settings.tenant(tenant).listed ? tenant : metrics.OTHER_TENANTS;
    metrics.tenantRefused.inc({ tenant: label, limit });
  }

  /** So many messages or signals went to subscribers. None of that is held back, but it has to be paid for. */
  delivered(tenant: string, count: number, now: number): void {
    if (count === 0) return;
    this.#fair.worked(tenant, count * DELIVERY_WORK, now);
    const state = this.#find(tenant);
    if (state === undefined) return;
    state.delivered += count;
    state.chargeOutgoing(count, now);
  }

  /** What this cell's log holds of the tenants that have a quota for it; null where another worker measures. */
  measured(stored: Stored | null): void {
    this.#stored = stored;
  }

  heard(message: UsageMessage, now: number): void {
    if (message.by === this.#by) return;
    this.#usage.heard(message, now);
    for (const [tenant, , , delivered] of message.used)
      if (delivered > 0) this.#find(tenant)?.chargeOutgoing(delivered, now);
  }

  /** How late the event loop is, smoothed. */
  get lagMs(): number {
    return this.#fair.strain.lagMs;
  }

  /** Looks at how the process did; see {@link FairShare.tick}. */
  strained(strain: Strain, now: number): void {
    this.#fair.tick(strain, now);
    const { lagMs, utilization, starvation } = this.#fair.strain;
    metrics.lagSeconds.set(lagMs / 1_000);
    metrics.loopUtilization.set(utilization);
    metrics.starvation.set(starvation);
    metrics.limitedTenants.set(this.#fair.limited);
  }

  /** A second is over: what the other processes are to be told of it. */
  endSecond(now: number): UsageMessage[] {
    this.#usage.expire(now);
    const by = this.#by;
    const used: TenantUsed[] = [];
    metrics.tenantConnections.reset();
    for (const [tenant, state] of this.#states) {
      count(state);
      const said = state.endSecond();
      if (said !== null) used.push(said);
      if (state.isForgotten) this.#states.delete(tenant);
      else this.#configure(state);
    }
    const messages: UsageMessage[] = chunks(used).map((some) => ({ by, used: some }));
    if (this.#stored === null) return messages;
    const { cell, bytes } = this.#stored;
    const stored = chunks(bytes).map((some) => ({ by, used: [], cell, stored: some }));
    for (const message of stored) this.#usage.heard(message, now);
    return [...messages, ...stored];
  }

  #admit(state: TenantState, now: number): void {
    state.asked++;
    const debt = state.outgoingDebt(now);
    if (debt > 0) throw this.#refusal(state, "messagesOutPerSecond", debt);
    const unfair = this.#fair.admit(state.name, now);
    if (unfair > 0) throw this.#refusal(state, "fairShare", unfair);
    const early = state.takeIncoming(now);
    if (early > 0) throw this.#refusal(state, "messagesInPerSecond", early);
    state.admitted++;
  }

  #refusal(state: TenantState, limit: keyof typeof REFUSALS, retry: number): PlexusError {
    this.#count(state, limit);
    return new PlexusError("rate_limited", REFUSALS[limit], { retry });
  }

  #count({ label }: TenantState, limit: TenantLimit): void {
    metrics.tenantRefused.inc({ tenant: label, limit });
  }

  #state(tenant: string): TenantState {
    const state = this.#find(tenant);
    if (state !== undefined) return state;
    this.refused(tenant, "tenants");
    throw new PlexusError("unavailable", "too many tenants are active", { retry: 1_000 });
  }

  /** Undefined where too many are kept track of already. */
  #find(tenant: string): TenantState | undefined {
    const known = this.#states.get(tenant);
    if (known !== undefined || this.#states.size >= MAX_TENANTS) return known;
    const state = new TenantState(tenant);
    this.#configure(state);
    this.#states.set(tenant, state);
    return state;
  }

  #configure(state: TenantState): void {
    state.configure(this.#settings.tenant(state.name), this.#usage.others(state.name));
  }
}

function count({ label: tenant, connections, admitted, delivered }: TenantState): void {
  if (connections > 0) metrics.tenantConnections.inc({ tenant }, connections);
  if (admitted > 0) metrics.tenantMessagesIn.inc({ tenant }, admitted);
  if (delivered > 0) metrics.tenantMessagesOut.inc({ tenant }, delivered);
}

function chunks<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / MAX_SAID);
  return Array.from({ length: count }, (_, i) => all.slice(i * MAX_SAID, (i + 1) * MAX_SAID));
}
