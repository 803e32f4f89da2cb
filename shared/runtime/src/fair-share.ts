/**
 * Fairness between tenants where a process has about as much to do as it can: while it is strained, those tenants that cause more than an equal part of the work get less of it, step by step; once it is not they get more
 * again (additive increase, multiplicative decrease: Chiu and Jain, 1989). A process with time left refuses nobody.
 *
 * Three things tell of strain. An event loop that is busy most of the time makes everybody wait long before it is late
 * by much: it takes what has come in a few milliseconds, again and again. One that is late has too much to do at once,
 * however idle it was on average. And where all processes of a machine together want more processors than there are,
 * each of them is idle for most of the time and yet waits whenever it has something to do.
 *
 * Pure: time and strain are arguments. Work is in units of about one publish.
 *
 * - A tenant with an equal part of the work or less has no limit, or one that is above what it does.
 * - One tenant alone has no limit, whatever it does: there is nobody to be fair to.
 */
import { type BucketRate, TokenBucket } from "./token-bucket.js";

export interface FairShareOptions {
  /** The smoothed lag of the event loop above which work is shared out, milliseconds. */
  lagMs: number;
  /** The smoothed part of the time that it is busy, 0 to 1, above which work is shared out. */
  utilization: number;
  /** The smoothed part of the time for which it has to wait for a processor, 0 to 1, above which work is shared out. */
  starvation: number;
  maxTenants?: number;
}

/** How a process did since the last look. */
export interface Strain {
  /** Mean lateness of a timer, milliseconds. */
  readonly lagMs: number;
  /** The part of the time in which it did not wait for anything, 0 to 1. */
  readonly utilization: number;
  /** The part in which it was ready to run, and another process had the processor, 0 to 1. */
  readonly starvation: number;
}

/** Between two looks at how the process does. */
export const FAIR_TICK_MS = 250;
/** What a delivery and a KiB cost, beside a publish. */
export const DELIVERY_WORK = 0.05;
const WORK_PER_BYTE = 0.25 / 1_024;

/**
 * A process that is busy for no more of the time than this has next to nothing to do: if it waits for a processor, others
 * take them, and it would change nothing by refusing work.
 */
const AT_WORK = 0.05;

/** Weight of the last look in what is remembered. */
const LATEST_WEIGHT = 0.5;
/** What is left of a limit after each look that finds the process strained. */
const CUT = 0.8;
/**
 * What is left, from look to look, of the most work there was. An equal part is one of that: while what came before is
 * still being worked off there is little work, and a quiet tenant would look busy.
 */
const MOST_DECAY = 0.9;
/** What is added after each look that finds it at ease, as a part of what the tenant did when it was first cut. */
const RAISE = 0.02;
/** So much above an equal part is no more than chance. */
const MARGIN = 1.1;
/** Of what a tenant did when it was first cut: a strain with other causes must not bring anybody to a stop. */
const LEAST_LEFT = 0.05;
/** A limit so many times above what the tenant does holds nobody back. */
const FAR_ABOVE = 1.5;
/** Tenants at work at once; further ones are not limited. */
const MAX_TENANTS = 10_000;
/** After so many looks without any work of it a tenant is forgotten: there is nobody to be fair to. */
const FORGOTTEN_AFTER = 8;

interface Worker {
  /** Since the last look. */
  recent: number;
  /** Per second, smoothed. */
  rate: number;
  /** Looks since it did anything. */
  idle: number;
  limit: Limit | null;
}

interface Limit {
  perSecond: number;
  /** Of one look: who wants no more than its part, but all of it at once, gets it. */
  burst: number;
  /** What the tenant did per second when it was first cut. */
  readonly before: number;
  readonly bucket: TokenBucket;
}

export class FairShare {
  readonly #options: Required<FairShareOptions>;
  readonly #tenants = new Map<string, Worker>();
  #strain: Strain = { lagMs: 0, utilization: 0, starvation: 0 };
  /** Work of all tenants per second, when there was most of it. */
  #most = 0;
  #lookedAt: number;

  constructor(options: FairShareOptions, now: number) {
    this.#options = { maxTenants: MAX_TENANTS, ...options };
    this.#lookedAt = now;
  }

  /** Smoothed. */
  get strain(): Strain {
    return this.#strain;
  }
  get size(): number {
    return this.#tenants.size;
  }

  /** How many tenants get less than they ask for, or may. */
  get limited(): number {
    let count = 0;
    for (const { limit } of this.#tenants.values()) if (limit !== null) count++;
    return count;
  }

  /** 0: more work of this tenant may come in; else the milliseconds after which to try again. */
  admit(tenant: string, now: number): number {
    const limit = this.#tenants.get(tenant)?.limit;
    return limit ? limit.bucket.inDebt(limit, now) : 0;
  }

  /** When one may come that has to wait in any case; see {@link TokenBucket.turn}. 0 without a limit. */
  turn(tenant: string, now: number): number {
    const limit = this.#tenants.get(tenant)?.limit;
    return limit ? limit.bucket.turn(limit, now) : 0;
  }

  /** Work was done, or has to be. */
  worked(tenant: string, work: number, now: number): void {
    let worker = this.#tenants.get(tenant);
    if (worker === undefined) {
      if (this.#tenants.size >= this.#options.maxTenants) return;
      worker = { recent: 0, rate: 0, idle: 0, limit: null };
      this.#tenants.set(tenant, worker);
    }
    worker.recent += work;
    if (worker.limit !== null) worker.limit.bucket.charge(work, worker.limit, now);
  }

  /** Looks at how the process did since the last look, every {@link FAIR_TICK_MS} or so. */
  tick({ lagMs, utilization, starvation }: Strain, now: number): void {
    const seconds = (now - this.#lookedAt) / 1_000;
    if (seconds <= 0) return;
    this.#lookedAt = now;
    this.#strain = {
      lagMs: smoothed(this.#strain.lagMs, lagMs),
      utilization: smoothed(this.#strain.utilization, utilization),
      starvation: smoothed(this.#strain.starvation, starvation),
    };
    let total = 0;
    for (const [tenant, worker] of this.#tenants) {
      worker.rate = smoothed(worker.rate, worker.recent / seconds);
      worker.idle = worker.recent > 0 ? 0 : worker.idle + 1;
      worker.recent = 0;
      if (worker.idle === FORGOTTEN_AFTER) this.#tenants.delete(tenant);
      else total += worker.rate;
    }
    this.#most = Math.max(total, this.#most * MOST_DECAY);
    const equalPart = this.#most / this.#tenants.size;
    for (const worker of this.#tenants.values()) {
      if (this.#isStrained && worker.rate > equalPart * MARGIN) cut(worker, equalPart, now);
      else if (!this.#isStrained) raise(worker);
      relieve(worker, equalPart);
    }
  }

  get #isStrained(): boolean {
    const { lagMs, utilization, starvation } = this.#strain;
    const most = this.#options;
    const waits = starvation > most.starvation && utilization > AT_WORK;
    return lagMs > most.lagMs || utilization > most.utilization || waits;
  }
}

function smoothed(before: number, latest: number): number {
  return before + (latest - before) * LATEST_WEIGHT;
}

/** What a publish of so many bytes costs. */
export function publishWork(bytes: number): number {
  return 1 + bytes * WORK_PER_BYTE;
}

function cut(worker: Worker, equalPart: number, now: number): void {
  const before = worker.limit?.before ?? worker.rate;
  const present = Math.min(worker.limit?.perSecond ?? worker.rate, worker.rate);
  const rate = rateOf(Math.max(present * CUT, equalPart, before * LEAST_LEFT));
  if (worker.limit === null) worker.limit = { ...rate, before, bucket: new TokenBucket(rate, now) };
  else Object.assign(worker.limit, rate);
}

function raise({ limit }: Worker): void {
  if (limit !== null) Object.assign(limit, rateOf(limit.perSecond + limit.before * RAISE));
}

/** Nobody with less than an equal part is held back, and a limit that holds nobody back is none. */
function relieve(worker: Worker, equalPart: number): void {
  const { limit, rate } = worker;
  if (limit === null) return;
  if (limit.perSecond > rate * FAR_ABOVE) worker.limit = null;
  else if (limit.perSecond < equalPart) Object.assign(limit, rateOf(equalPart));
}

function rateOf(perSecond: number): BucketRate {
  return { perSecond, burst: (perSecond * FAIR_TICK_MS) / 1_000 };
}
