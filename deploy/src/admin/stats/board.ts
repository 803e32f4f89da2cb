/**
 * What all gateways and workers said of their load last, and what that makes together. Pure: loads and times go in,
 * samples come out.
 */
import { type GatewayLoad, Latencies, type LatencyCounts, type Load, type WorkerLoad } from "@plexus/runtime";
import type { Quantiles, Stats } from "./schemas.js";

/** Three times without a word: such a process is gone, or can't be reached. */
const FORGET_AFTER_MS = 3_500;
/** Processes that are kept track of; further ones are not counted. */
const MAX_PROCESSES = 10_000;

interface Heard<L extends Load> {
  readonly load: L;
  readonly at: number;
}

/** A cell as the directory lists it. */
export interface ListedCell {
  readonly id: string;
  /** Channels that it still holds and that an operation takes from it. */
  readonly left: number;
}

export class LoadBoard {
  readonly #gateways = new Map<string, Heard<GatewayLoad>>();
  readonly #workers = new Map<string, Heard<WorkerLoad>>();

  heard(load: Load, now: number): void {
    if (load.kind === "gateway") put(this.#gateways, load, now);
    else if (load.kind === "worker") put(this.#workers, load, now);
  }

  /** What was heard of late. */
  gateways(now: number): GatewayLoad[] {
    return recent(this.#gateways, now);
  }
  workers(now: number): WorkerLoad[] {
    return recent(this.#workers, now);
  }

  /** `ts` is the wall clock's time, to be shown. */
  sample(cells: readonly ListedCell[], now: number, ts: number): Stats {
    const gateways = this.gateways(now);
    const workers = this.workers(now);
    const byCell = groups(workers, ({ cell }) => cell);
    for (const { id } of cells) if (!byCell.has(id)) byCell.set(id, []);
    const left = new Map(cells.map((cell) => [cell.id, cell.left]));
    const shown = sorted(byCell).map(([id, some]) => [id, cellStats(some, left.get(id) ?? 0)] as const);
    const channels = shown.flatMap(([, cell]) => cell.channels ?? []);
    return {
      ts,
      total: {
        connections: gateways.length === 0 ? null : sum(gateways, (load) => load.connections),
        channels: channels.length === 0 ? null : channels.reduce((all, some) => all + some, 0),
        publishesPerS: perSecond(workers, (load) => load.messages),
        deliveriesPerS: perSecond(gateways, (load) => load.deliveries),
        errorsPerS: perSecond(gateways, (load) => load.errors),
        refusalsPerS: perSecond(gateways, (load) => load.refusals),
        bytesInPerS: perSecond(gateways, (load) => load.bytesIn),
        bytesOutPerS: perSecond(gateways, (load) => load.bytesOut),
        publishMs: quantilesOf(gateways.map((load) => load.publish)),
        deliverMs: quantilesOf(gateways.map((load) => load.deliver)),
      },
      cells: Object.fromEntries(shown),
      gateways: Object.fromEntries(
        sorted(groups(gateways, ({ id }) => id)).map(([id, some]) => [id, gatewayStats(some)]),
      ),
    };
  }
}

function cellStats(workers: readonly WorkerLoad[], left: number): Stats["cells"][string] {
  const counted = workers.flatMap(({ channels }) => channels ?? []);
  return {
    workers: workers.length,
    // One worker counts for all; while another one takes that over, two may.
    channels: counted.length === 0 ? null : Math.max(...counted) + left,
    recordsPerS: perSecond(workers, ({ records }) => records),
    publishesPerS: perSecond(workers, ({ messages }) => messages),
    mailboxMs: quantilesOf(workers.map(({ mailbox }) => mailbox)),
    cpu: coresOf(workers),
  };
}

/** Two runs of one gateway may be heard while the one takes over from the other. */
function gatewayStats(runs: readonly GatewayLoad[]): Stats["gateways"][string] {
  return {
    connections: sum(runs, ({ connections }) => connections),
    publishesPerS: perSecond(runs, ({ publishes }) => publishes),
    deliveriesPerS: perSecond(runs, ({ deliveries }) => deliveries),
    loopLagMs: rounded(Math.max(...runs.map(({ loopLagMs }) => loopLagMs)), 2),
    cpu: coresOf(runs),
    rssBytes: sum(runs, ({ rssBytes }) => rssBytes),
  };
}

/** Of several processes together; null of none. */
export function quantilesOf(counts: readonly LatencyCounts[]): Quantiles {
  const all = new Latencies();
  for (const some of counts) all.addAll(some);
  return { p50: shown(all.quantile(0.5)), p99: shown(all.quantile(0.99)) };
}

/** Each over the time that it counted; null of none. */
export function perSecond<L extends Load>(loads: readonly L[], count: (load: L) => number): number | null {
  if (loads.length === 0) return null;
  return rounded(
    sum(loads, (load) => (count(load) * 1_000) / load.ms),
    1,
  );
}

export function coresOf(loads: readonly Load[]): number | null {
  if (loads.length === 0) return null;
  return rounded(
    sum(loads, ({ cpuMs, ms }) => cpuMs / ms),
    3,
  );
}

function put<L extends Load>(all: Map<string, Heard<L>>, load: L, now: number): void {
  if (!all.has(load.instance) && all.size >= MAX_PROCESSES) forget(all, now);
  if (all.has(load.instance) || all.size < MAX_PROCESSES) all.set(load.instance, { load, at: now });
}

function recent<L extends Load>(all: Map<string, Heard<L>>, now: number): L[] {
  forget(all, now);
  return [...all.values()].map(({ load }) => load);
}

function forget<L extends Load>(all: Map<string, Heard<L>>, now: number): void {
  for (const [instance, { at }] of all) if (now - at > FORGET_AFTER_MS) all.delete(instance);
}

export function groups<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const those = found.get(keyOf(one));
    if (those === undefined) found.set(keyOf(one), [one]);
    else those.push(one);
  }
  return found;
}

function sorted<T>(all: Map<string, T>): Array<[string, T]> {
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1));
}

function sum<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((total, one) => total + value(one), 0);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function shown(ms: number | null): number | null {
  return ms === null ? null : Number(ms.toPrecision(3));
}
