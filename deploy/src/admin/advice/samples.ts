/**
 * What advice rests on: samples of a few seconds each, of all workers of a region's active cells together and of all
 * gateways, kept for as long as the longest window is. Pure.
 */
import { type CellEntry, Latencies, type Load, type WorkerLoad } from "@plexus/runtime";

/** What is looked at. Those of a region are of its workers; gateways have `cpu`, `fill` and `lagMs`. */
export const SIGNALS = ["cpu", "fill", "lagMs", "mailboxMs", "appendMs"] as const;
export type SignalName = (typeof SIGNALS)[number];

/** null: nothing was measured. */
export type Values = Readonly<Record<SignalName, number | null>>;

export interface CellSample {
  readonly id: string;
  readonly workers: number;
  /** Channels in its workers' memory. */
  readonly channels: number;
}

export interface RegionSample {
  /** Its active cells. */
  readonly cells: readonly CellSample[];
  readonly values: Values;
}

export interface Sample {
  /** By the monotonic clock. */
  readonly at: number;
  /** Of the directory: what was measured under another one says nothing of this. */
  readonly version: number;
  readonly regions: ReadonlyMap<string, RegionSample>;
  readonly gateways: { readonly count: number; readonly values: Values };
}

/** Processes that are kept track of; further ones are not counted. */
const MAX_PROCESSES = 10_000;

/** What one process said since the last sample. */
interface Sum {
  last: Load;
  cpuMs: number;
  ms: number;
  lagMs: number;
  times: number;
  readonly mailbox: Latencies;
  readonly append: Latencies;
}

/** Adds up what processes say until a sample is taken of it. */
export class Collector {
  #sums = new Map<string, Sum>();

  heard(load: Load): void {
    let sum = this.#sums.get(load.instance);
    if (sum === undefined) {
      if (this.#sums.size >= MAX_PROCESSES) return;
      sum = {
        last: load,
        cpuMs: 0,
        ms: 0,
        lagMs: 0,
        times: 0,
        mailbox: new Latencies(),
        append: new Latencies(),
      };
      this.#sums.set(load.instance, sum);
    }
    sum.last = load;
    sum.cpuMs += load.cpuMs;
    sum.ms += load.ms;
    sum.lagMs += load.loopLagMs;
    sum.times++;
    if (load.kind !== "worker") return;
    sum.mailbox.addAll(load.mailbox);
    sum.append.addAll(load.append);
  }

  take(cells: readonly CellEntry[], version: number, at: number): Sample {
    const sums = [...this.#sums.values()];
    this.#sums = new Map();
    const active = cells.filter(({ state }) => state === "active");
    const regions = new Map<string, RegionSample>();
    for (const region of [...new Set(active.map((cell) => cell.region))].sort()) {
      const ids = active.filter((cell) => cell.region === region).map(({ id }) => id);
      regions.set(region, regionSample(ids, sums));
    }
    const gateways = sums.filter(({ last }) => last.kind === "gateway");
    return { at, version, regions, gateways: { count: gateways.length, values: valuesOf(gateways) } };
  }
}

function regionSample(ids: readonly string[], sums: readonly Sum[]): RegionSample {
  const of = (id: string) => sums.filter(({ last }) => last.kind === "worker" && last.cell === id);
  const cells = ids.map((id) => {
    const workers = of(id);
    const channels = workers.reduce((total, { last }) => total + (last as WorkerLoad).actors, 0);
    return { id, workers: workers.length, channels };
  });
  // A cell of which nobody is heard may be busy or idle: of such a region nothing is known.
  const isWhole = cells.every(({ workers }) => workers > 0);
  return { cells, values: valuesOf(isWhole ? ids.flatMap(of) : []) };
}

function valuesOf(sums: readonly Sum[]): Values {
  const mailbox = new Latencies();
  const append = new Latencies();
  for (const sum of sums) {
    mailbox.addAll(sum.mailbox.take());
    append.addAll(sum.append.take());
  }
  const mean = (value: (sum: Sum) => number) =>
    sums.length === 0 ? null : sums.reduce((total, sum) => total + value(sum), 0) / sums.length;
  return {
    cpu: mean(({ cpuMs, ms }) => cpuMs / ms),
    fill: mean(({ last }) =>
      last.kind === "worker" ? last.actors / last.maxActors : last.connections / last.maxConnections,
    ),
    lagMs: mean(({ lagMs, times }) => lagMs / times),
    mailboxMs: mailbox.quantile(0.99),
    appendMs: append.quantile(0.99),
  };
}

/** The newest samples, as many as the longest window needs. */
export class History {
  readonly #keepMs: number;
  #samples: Sample[] = [];

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** What was measured under another directory goes, and so does what is older than needed. */
  add(sample: Sample): void {
    const same = this.#samples.at(-1)?.version === sample.version;
    this.#samples = same ? this.#samples.filter(({ at }) => sample.at - at <= this.#keepMs) : [];
    this.#samples.push(sample);
  }
}
