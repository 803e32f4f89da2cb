/** Runs benchmarks one after the other, each with servers of its own. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { startNats, startRedis } from "@plexus/runtime/testing";
import type { BenchContext } from "./benches/bench.js";
import { BENCHES } from "./benches/index.js";
import type { BenchOptions } from "./options.js";
import { plotOf } from "./plot.js";
import { Profiles } from "./profiles.js";
import { type BenchReport, tableOf } from "./report.js";
import { type Side, startPlexus, startSocketIo, startUws } from "./sides.js";
import { StealMeter } from "./steal.js";

const WARM_SHARE = 0.4;

export interface RunReport {
  ok: boolean;
  machine: { cpu: string; cores: number; node: string; platform: string };
  rounds: number;
  seconds: number;
  scale: number;
  reports: BenchReport[];
}

export async function runBenches(
  options: BenchOptions,
  say: (line: string) => void,
  ended: AbortSignal,
): Promise<RunReport> {
  const { rounds, seconds, scale } = options;
  const [core] = cpus();
  const machine = {
    cpu: core?.model ?? "unknown",
    cores: cpus().length,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
  const reports: BenchReport[] = [];
  for (const name of options.benches) {
    ended.throwIfAborted();
    const bench = BENCHES[name]!;
    say(`${name}: ${bench.doc}`);
    const profiles = options.flames === undefined ? undefined : new Profiles(options.flames, name);
    const stage = new Stage(options, say, profiles);
    const steal = new StealMeter();
    try {
      const report = await bench.run(stage.context);
      reports.push({ bench: name, doc: bench.doc, ...report, stolen: steal.read() });
    } finally {
      await stage.clear();
      profiles?.draw();
    }
    say(`${tableOf(reports.at(-1)!)}\n`);
    if (options.plots !== undefined)
      writeFileSync(join(options.plots, `bench-${name}.svg`), plotOf(reports.at(-1)!));
  }
  return { ok: true, machine, rounds, seconds, scale, reports };
}

/** The servers of one benchmark. */
class Stage {
  readonly context: BenchContext;
  readonly #undo: Array<() => Promise<void>> = [];

  constructor({ rounds, seconds, scale }: BenchOptions, say: (line: string) => void, profiles?: Profiles) {
    const measureMs = seconds * 1_000;
    this.context = {
      timing: { warmMs: measureMs * WARM_SHARE, measureMs },
      rounds,
      scale,
      say,
      plexus: (more = {}) => this.#add(startPlexus(profiles?.in(more) ?? more)),
      uws: () => this.#add(startUws()),
      socketIo: () => this.#socketIo(),
      jetstream: () => this.#jetstream(),
    };
  }

  /** The last one first. */
  async clear(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }

  async #add(starting: Promise<Side>): Promise<Side> {
    const side = await starting;
    let stopping: Promise<void> | undefined;
    // Once, whether the benchmark is done with it before its end or not.
    const stop = () => {
      stopping ??= side.stop();
      return stopping;
    };
    this.#undo.push(stop);
    return { ...side, stop };
  }

  async #socketIo(): Promise<Side> {
    const redis = await startRedis();
    this.#undo.push(() => redis.stop());
    return this.#add(startSocketIo(redis.url, redis.pid));
  }

  async #jetstream(): Promise<Side> {
    const nats = await startNats();
    this.#undo.push(() => nats.stop());
    const processes = () => [{ kind: "nats", pid: nats.pid }];
    const side = { name: "jetstream" as const, what: "NATS alone", port: 0, token: "", natsUrl: nats.url };
    return { ...side, processes, questions: () => null, stop: async () => undefined };
  }
}
