/** What the installation says of itself while a load runs: the admin API's sample each second, and its processes' CPU. */
import { cpus } from "node:os";
import type { Stats } from "../admin/stats/schemas.js";
import { cpuSecondsOf } from "./cpu.js";

/** The parts of `GET /v1/stats` that are of use here; a value that nothing was measured for is null. */
export type StatsSample = Pick<Stats, "cells" | "gateways">;

/** One process of an installation on this machine. */
export interface LocalProcess {
  readonly kind: string;
  readonly id: string;
  readonly pid: number;
  readonly opsUrl: string | null;
}

/** What was seen over one step; null where nothing is known. */
export interface ServerSide {
  /** The busiest of each: cores used. */
  readonly gatewayCpu: Named | null;
  readonly workerCpu: Named | null;
  readonly natsCpu: Named | null;
  readonly redisCpu: Named | null;
  readonly mailboxP99Ms: Named | null;
  /** From a record's way to the log until it is acknowledged, at the slowest worker; the mean. */
  readonly appendMs: Named | null;
  readonly gatewayLagMs: Named | null;
  /** Share of all of this machine's cores that was in use; null where the installation is elsewhere. */
  readonly machine: number | null;
}

export interface Named {
  readonly of: string;
  readonly value: number;
}

/** Means by name. */
class Means {
  readonly #sums = new Map<string, { sum: number; count: number }>();

  add(name: string, value: number | null | undefined): void {
    if (typeof value !== "number" || !Number.isFinite(value)) return;
    const mean = this.#sums.get(name) ?? { sum: 0, count: 0 };
    mean.sum += value;
    mean.count++;
    this.#sums.set(name, mean);
  }

  /** The largest one. */
  largest(): Named | null {
    let largest: Named | null = null;
    for (const [of, { sum, count }] of this.#sums)
      if (largest === null || sum / count > largest.value) largest = { of, value: sum / count };
    return largest;
  }
}

export interface ServerMeterOptions {
  /** Processes on this machine, whose CPU time is read here. */
  readonly local: readonly LocalProcess[];
  /** One sample of the admin API; undefined where it gives none. */
  readonly stats: () => Promise<StatsSample | undefined>;
  readonly say: (line: string) => void;
}

/** Gathers samples; ask {@link ServerMeter.end} for what they say. */
export class ServerMeter {
  readonly #local: readonly LocalProcess[];
  readonly #options: ServerMeterOptions;
  readonly #startedAt = performance.now();
  readonly #cpuAtStart = new Map<number, number>();
  readonly #machineAtStart: { busyMs: number; allMs: number };
  readonly #gatewayCpu = new Means();
  readonly #workerCpu = new Means();
  readonly #mailbox = new Means();
  readonly #lag = new Means();
  readonly #appends: Promise<Map<string, Appends>>;
  #asking: Promise<void> | undefined;
  #statsKnown = false;

  constructor(options: ServerMeterOptions) {
    const { local } = options;
    this.#options = options;
    this.#local = local;
    this.#machineAtStart = machineTime();
    this.#appends = appendsOf(local);
    for (const { pid } of local) {
      const seconds = cpuSecondsOf(pid);
      if (seconds !== undefined) this.#cpuAtStart.set(pid, seconds);
    }
  }

  /** Whether the admin API gave samples. */
  get statsKnown(): boolean {
    return this.#statsKnown;
  }

  /** For a sample of the admin API; one that takes long holds up nobody. */
  ask(): void {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
  }

  async #ask(): Promise<void> {
    try {
      const sample = await this.#options.stats();
      if (sample !== undefined) this.#add(sample);
    } catch (error) {
      // What is measured at this end is worth more than a sample of the other.
      this.#options.say(`no sample of the server side: ${(error as Error).message}`);
    }
  }

  #add({ cells, gateways }: StatsSample): void {
    this.#statsKnown = true;
    for (const [id, { workers, mailboxMs, cpu }] of Object.entries(cells)) {
      this.#mailbox.add(`cell ${id}`, mailboxMs.p99);
      if (workers > 0 && cpu !== null) this.#workerCpu.add(`cell ${id}, each of ${workers}`, cpu / workers);
    }
    for (const [id, { loopLagMs, cpu }] of Object.entries(gateways)) {
      this.#lag.add(id, loopLagMs);
      this.#gatewayCpu.add(id, cpu);
    }
  }

  async end(): Promise<ServerSide> {
    await this.#asking;
    const isLocal = this.#local.length > 0;
    return {
      // Read here it is of each process alone, and of the very time.
      gatewayCpu: this.#busiest("gateway") ?? this.#gatewayCpu.largest(),
      workerCpu: this.#busiest("worker") ?? this.#workerCpu.largest(),
      natsCpu: this.#busiest("nats"),
      redisCpu: this.#busiest("redis"),
      mailboxP99Ms: this.#mailbox.largest(),
      appendMs: await this.#slowestAppends(),
      gatewayLagMs: this.#lag.largest(),
      machine: isLocal ? this.#machineShare() : null,
    };
  }

  #busiest(kind: string): Named | null {
    const means = new Means();
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    for (const { id, pid } of this.#local.filter((process) => process.kind === kind)) {
      const [before, now] = [this.#cpuAtStart.get(pid), cpuSecondsOf(pid)];
      if (before !== undefined && now !== undefined) means.add(id, (now - before) / seconds);
    }
    return means.largest();
  }

  async #slowestAppends(): Promise<Named | null> {
    const means = new Means();
    const [before, now] = [await this.#appends, await appendsOf(this.#local)];
    for (const [id, { seconds, count }] of now) {
      const was = before.get(id) ?? { seconds: 0, count: 0 };
      if (count > was.count) means.add(id, ((seconds - was.seconds) / (count - was.count)) * 1_000);
    }
    return means.largest();
  }

  #machineShare(): number | null {
    const now = machineTime();
    const allMs = now.allMs - this.#machineAtStart.allMs;
    return allMs > 0 ? (now.busyMs - this.#machineAtStart.busyMs) / allMs : null;
  }
}

interface Appends {
  readonly seconds: number;
  readonly count: number;
}

const METRICS_WITHIN_MS = 2_000;

/** What each worker's metrics say of its appends so far; a worker that does not answer is left out. */
async function appendsOf(processes: readonly LocalProcess[]): Promise<Map<string, Appends>> {
  const found = new Map<string, Appends>();
  const workers = processes.filter(({ kind, opsUrl }) => kind === "worker" && opsUrl !== null);
  await Promise.all(
    workers.map(async ({ id, opsUrl }) => {
      const text = await metricsOf(opsUrl!);
      if (text !== undefined)
        found.set(id, {
          seconds: sumOf(text, "plexus_append_seconds_sum"),
          count: sumOf(text, "plexus_append_seconds_count"),
        });
    }),
  );
  return found;
}

async function metricsOf(opsUrl: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${opsUrl}/metrics`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(METRICS_WITHIN_MS),
    });
    return await response.text();
  } catch {
    return undefined; // a process that is busy or gone leaves its figure unknown
  }
}

/** Over all label values. */
function sumOf(metrics: string, name: string): number {
  let sum = 0;
  for (const line of metrics.split("\n"))
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      sum += Number(line.slice(line.lastIndexOf(" ")));
  return sum;
}

function machineTime(): { busyMs: number; allMs: number } {
  const total = { busyMs: 0, allMs: 0 };
  for (const { times } of cpus()) {
    const allMs = times.user + times.nice + times.sys + times.irq + times.idle;
    total.allMs += allMs;
    total.busyMs += allMs - times.idle;
  }
  return total;
}
