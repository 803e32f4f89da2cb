/**
 * What gateways and workers say of their own load, once a second, to whoever listens (the admin API): counts since the
 * last time, so that nobody has to remember what a process said before, and what several say can be added.
 */
import { performance } from "node:perf_hooks";
import { subjects } from "@plexus/protocol";
import type { LatencyCounts } from "./latencies.js";
import type { Logger } from "./log.js";
import { connectivity, type NatsConnection } from "./nats.js";

/** How often a process says it. */
export const LOAD_INTERVAL_MS = 1_000;

/** Of every process. */
export interface ProcessLoad {
  /** This run of it. */
  instance: string;
  /** Over how long it was counted, milliseconds. */
  ms: number;
  /** Processor time used in it, milliseconds. */
  cpuMs: number;
  /** How late the event loop is, smoothed. */
  loopLagMs: number;
  rssBytes: number;
}

export interface GatewayCounts {
  kind: "gateway";
  id: string;
  connections: number;
  maxConnections: number;
  /** Publishes that were acknowledged. */
  publishes: number;
  /** Frames handed to subscribers, counted once for each of them. */
  deliveries: number;
  /** `err` frames that say that something went wrong. */
  errors: number;
  /** `err` frames that say that a limit was reached, and connections that were not let in. */
  refusals: number;
  bytesIn: number;
  bytesOut: number;
  /** From the receipt of a `pub` to its `ok`. */
  publish: LatencyCounts;
  /** From when a record was made to its hand-over to the sockets, by the clocks of its worker and this gateway. */
  deliver: LatencyCounts;
}

export interface WorkerCounts {
  kind: "worker";
  id: string;
  cell: string;
  /** Channels in memory, and how many there may be. */
  actors: number;
  maxActors: number;
  /** Channels that the cell holds; null where another of its workers counts them. */
  channels: number | null;
  records: number;
  messages: number;
  /** How long messages waited for the record that took them. */
  mailbox: LatencyCounts;
  /** How long the log took for a record. */
  append: LatencyCounts;
}

export type GatewayLoad = ProcessLoad & GatewayCounts;
export type WorkerLoad = ProcessLoad & WorkerCounts;
export type Load = GatewayLoad | WorkerLoad;

/** How much a counter has grown whenever that is asked. */
export function growth(counter: { readonly total: number }): () => number {
  let last = counter.total;
  return () => {
    const grown = counter.total - last;
    last = counter.total;
    return grown;
  };
}

/** Says this process's load once a second; returns how to end that. */
export function sayLoad(context: {
  nats: NatsConnection;
  instance: string;
  /** Lateness of the event loop, milliseconds. */
  lagMs: () => number;
  counts: () => GatewayCounts | WorkerCounts;
  log: Logger;
}): () => void {
  const { nats, instance, lagMs, counts, log } = context;
  const bus = connectivity(nats);
  let at = performance.now();
  let cpu = process.cpuUsage();
  const timer = setInterval(() => {
    const ms = performance.now() - at;
    const { user, system } = process.cpuUsage(cpu);
    at += ms;
    cpu = process.cpuUsage();
    const rssBytes = process.memoryUsage.rss();
    const self = { instance, ms, cpuMs: (user + system) / 1_000, loopLagMs: lagMs(), rssBytes };
    const load: Load = { ...self, ...counts() };
    // While the bus is away nobody hears it, and what is sent is kept in memory.
    if (!bus.isUp) return;
    try {
      nats.publish(subjects.load, JSON.stringify(load));
    } catch (error) {
      log.warn({ err: error }, "load could not be said");
    }
  }, LOAD_INTERVAL_MS);
  return () => clearInterval(timer);
}
