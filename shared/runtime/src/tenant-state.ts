/** What is kept of one tenant in one process: its quotas, what it used in this second, and its buckets. */
import type { TenantSettings } from "./settings.js";
import type { Quotas } from "./settings-schema.js";
import { OTHER_TENANTS } from "./tenant-metrics.js";
import { type OthersUse, shareOf, type TenantUsed } from "./tenant-usage.js";
import { type BucketRate, TokenBucket } from "./token-bucket.js";

/** What a second allows may be used at once by who used nothing before. */
const BURST_S = 1;
/** Seconds without any use after which a tenant is forgotten: its buckets are full by then, whatever it owed. */
const FORGET_AFTER_S = 130;

/** A bucket whose rate is changed from outside. */
interface Metered {
  rate: BucketRate;
  readonly bucket: TokenBucket;
}

export class TenantState {
  readonly name: string;
  /** In metrics. */
  label = OTHER_TENANTS;
  quotas: Quotas = {};
  connections = 0;
  /** In this second: publishes and signals that were asked for, those let in, and messages handed to subscribers. */
  asked = 0;
  admitted = 0;
  delivered = 0;
  /** What was asked for in the second before. */
  #demand = 0;
  #incoming: Metered | null = null;
  #outgoing: Metered | null = null;
  #wasSaid = false;
  #idleS = 0;

  constructor(name: string) {
    this.name = name;
  }

  configure({ listed, quotas }: TenantSettings, others: Readonly<OthersUse>): void {
    this.label = listed ? this.name : OTHER_TENANTS;
    this.quotas = quotas;
    const { messagesInPerSecond, messagesOutPerSecond } = quotas;
    const share =
      messagesInPerSecond === undefined ? undefined : shareOf(messagesInPerSecond, this.#demand, others);
    this.#incoming = metered(this.#incoming, share);
    this.#outgoing = metered(this.#outgoing, messagesOutPerSecond);
  }

  /** 0: a message may come in, and is counted; else the milliseconds after which to try again. */
  takeIncoming(now: number): number {
    return this.#incoming === null ? 0 : this.#incoming.bucket.take(this.#incoming.rate, now);
  }

  /** When one may come that has to wait in any case; see {@link TokenBucket.turn}. 0 without a quota. */
  incomingTurn(now: number): number {
    return this.#incoming === null ? 0 : this.#incoming.bucket.turn(this.#incoming.rate, now);
  }

  /** 0 unless subscribers got more than they may have: the milliseconds until that is paid for. */
  outgoingDebt(now: number): number {
    return this.#outgoing === null ? 0 : this.#outgoing.bucket.inDebt(this.#outgoing.rate, now);
  }

  /** Subscribers got so many messages, here or elsewhere. */
  chargeOutgoing(count: number, now: number): void {
    this.#outgoing?.bucket.charge(count, this.#outgoing.rate, now);
  }

  /** A second is over. What the other processes are to be told of it, if anything. */
  endSecond(): TenantUsed | null {
    const { name, connections, asked, delivered, quotas } = this;
    const isUsed = connections > 0 || asked > 0 || delivered > 0;
    const concernsOthers =
      (quotas.connections ?? quotas.messagesInPerSecond ?? quotas.messagesOutPerSecond) !== undefined;
    // The last time with zeros: what nobody repeats is remembered for a while.
    const says = concernsOthers && (isUsed || this.#wasSaid);
    this.#wasSaid = isUsed;
    this.#idleS = isUsed ? 0 : this.#idleS + 1;
    this.#demand = asked;
    this.asked = this.admitted = this.delivered = 0;
    return says ? [name, connections, asked, delivered] : null;
  }

  get isForgotten(): boolean {
    return this.#idleS > FORGET_AFTER_S;
  }
}

/** The same bucket at another rate; none where there is no quota. */
function metered(before: Metered | null, perSecond: number | undefined): Metered | null {
  if (perSecond === undefined) return null;
  const rate = { perSecond, burst: Math.max(1, perSecond * BURST_S) };
  return { rate, bucket: before?.bucket ?? new TokenBucket(rate, 0) };
}
