/** A drill: load, a change, more load, and the verdict on every message. */
import { setTimeout as pause } from "node:timers/promises";
import type { Directory } from "@plexus/runtime";
import { unlessAborted } from "../harness/wait.js";
import { CHANGES, type Change } from "./changes.js";
import { CpuMeter } from "./cpu.js";
import { Load } from "./load/load.js";
import type { LoadPlan } from "./load/orders.js";
import type { DrillOptions } from "./options.js";
import { type ChangeReport, type DrillReport, pausesOf, violationsOf } from "./report.js";
import { Stage } from "./stage.js";
import { Ticker } from "./ticker.js";

/** Every so manieth channel is subscribed to and not written to before the change: odd, so that every gateway has some. */
const LATE_EVERY = 15;
/** A channel that has waited so long for an acknowledgement is not served yet. */
const SERVED_WITHIN_MS = 1_000;
/** How long everything that was acknowledged may take to arrive in the end. */
const ARRIVE_WITHIN_MS = 30_000;
const SHARE_BEFORE = 0.3;

/** As an operator goes about it. The brokers come last, and by themselves: theirs are the only pauses that must be. */
const ROLLOUT_ORDER = ["roll-gateways", "roll-workers", "roll-services", "roll-brokers"];

/** In this order each finds what the one before left behind. */
export const SMOKE_ORDER = [
  "drain",
  "activate",
  "turnaround",
  "kill-worker-old",
  "activate",
  "kill-worker-new",
  "gateway",
  ...ROLLOUT_ORDER,
  "add",
  "kill-cell",
];

/** Drills that consist of others. */
export const ROWS: Readonly<Record<string, readonly string[]>> = {
  smoke: SMOKE_ORDER,
  rollout: ROLLOUT_ORDER,
};

/**
 * @param say takes lines for a person
 * @param interrupted ends the drill early; everything that it started is stopped in any case
 */
export async function runDrill(
  name: string,
  options: DrillOptions,
  say: (line: string) => void,
  interrupted?: AbortSignal,
): Promise<DrillReport> {
  const names = ROWS[name] ?? [name];
  const stage = await Stage.start(options, say, interrupted);
  const load = new Load(options.generators);
  const ticker = new Ticker(stage, load, say);
  try {
    const drill = new Drill(stage, load, ticker, say).run(name, names);
    return await unlessAborted(drill, interrupted);
  } finally {
    ticker.stop();
    await load.stop();
    await stage.stop();
  }
}

class Drill {
  readonly #stage: Stage;
  readonly #load: Load;
  readonly #ticker: Ticker;
  readonly #say: (line: string) => void;
  /** Channels that may go on in another epoch, with word of it. */
  readonly #mayStartOver = new Set<string>();

  constructor(stage: Stage, load: Load, ticker: Ticker, say: (line: string) => void) {
    this.#stage = stage;
    this.#load = load;
    this.#ticker = ticker;
    this.#say = say;
  }

  async run(name: string, names: readonly string[]): Promise<DrillReport> {
    const { channels, quietChannels, rate, history } = this.#stage.options;
    // A single change brings about what it needs before the load; in a row, the one before did.
    if (names.length === 1) await CHANGES[names[0]!]!.prepare?.(this.#stage);
    this.#ticker.doing = "preparing";
    await this.#load.prepare(await this.#plan());
    const changes: ChangeReport[] = [];
    for (const each of names) changes.push(await this.#change(each, CHANGES[each]!));
    this.#ticker.doing = "finishing";
    const finished = await this.#load.finish(ARRIVE_WITHIN_MS);
    this.#ticker.doing = "reading histories";
    const past = await this.#load.history(history);
    const { lost, duplicated, reordered, misnumbered } = finished.verdict;
    const violations = violationsOf(finished, past, {
      cuts: names.some((each) => CHANGES[each]!.cuts === true),
      mayStartOver: (channel) => this.#mayStartOver.has(channel),
    });
    violations.push(
      ...changes.flatMap((change) => change.violations.map((text) => `${change.drill}: ${text}`)),
    );
    violations.push(...this.#stage.casualties);
    const { counters } = finished;
    const only = changes.length === 1 ? changes[0]! : undefined;
    return {
      ...only,
      drill: name,
      channels,
      quietChannels,
      rate,
      published: counters.published,
      acknowledged: counters.acknowledged,
      failed: finished.failed,
      delivered: counters.delivered,
      lost: lost + past.verdict.lost,
      duplicated: duplicated + past.verdict.duplicated,
      reordered: reordered + past.verdict.reordered,
      misnumbered: misnumbered + past.verdict.misnumbered,
      disconnected: counters.disconnected,
      unrecovered: finished.unrecovered.length,
      changedOver: counters.changedOver,
      sdk: { clients: finished.sdkClients, noticed: counters.noticed },
      repeated: counters.refused,
      history: { channels: past.channels, messages: past.messages },
      ...(only === undefined && { changes }),
      ok: violations.length === 0,
      violations,
    };
  }

  async #change(name: string, change: Change): Promise<ChangeReport> {
    const { seconds } = this.#stage.options;
    this.#ticker.doing = "calm";
    await this.#load.tell("calm");
    await pause(seconds * SHARE_BEFORE * 1_000);
    this.#ticker.doing = name;
    await this.#load.tell("change");
    const performed = await this.#perform(change);
    await this.#load.tell("settle");
    this.#ticker.doing = "settling";
    await pause(Math.max(0, seconds * (1 - SHARE_BEFORE) * 1_000 - performed.lastedMs));
    const measure = await this.#load.measure();
    await change.afterwards?.(this.#stage);
    const { leftInCell, violations } = await this.#leftInCells();
    const report: ChangeReport = {
      drill: name,
      durationMs: performed.durationMs,
      ...(performed.interruptedAt !== undefined && { interruptedAt: performed.interruptedAt }),
      resumedMs: performed.resumedMs,
      ...pausesOf(measure, performed.moved, performed.awayMs),
      leftInCell,
      cpuSeconds: performed.cpuSeconds,
      violations,
    };
    this.#judgePauses(change, report);
    this.#say(
      `${name}: ${report.durationMs} ms, longest pause of ${report.pause.count} channels ${report.pause.max} ms`,
    );
    return report;
  }

  /** The change, up to the moment when every channel is served again. */
  async #perform(change: Change) {
    const stage = this.#stage;
    const cpu = new CpuMeter(() => this.#processes());
    this.#ticker.cpu = cpu;
    const directories: Directory[] = [stage.directory.current];
    const forget = stage.directory.onChange((directory) => directories.push(directory));
    const startedAt = performance.now();
    const { durationMs, interruptedAt, lostCell, awayMs } = await change.perform(stage);
    const mayStartOver = activeChannels(stage.options.channels).filter(
      (channel, i) =>
        (change.emptyMayStartOver === true && i % LATE_EVERY === 0) ||
        (lostCell !== undefined && stage.homeOf(channel, directories[0]) === lostCell),
    );
    for (const channel of mayStartOver) this.#mayStartOver.add(channel);
    const wholeMs = performance.now() - startedAt;
    const resumedMs = await this.#untilResumed();
    await this.#untilServed();
    forget();
    stage.operation = undefined;
    this.#ticker.cpu = undefined;
    return {
      durationMs: Math.round(durationMs ?? wholeMs),
      interruptedAt,
      awayMs,
      resumedMs,
      lastedMs: performance.now() - startedAt,
      cpuSeconds: cpu.read(),
      moved: this.#moved(directories),
    };
  }

  /** Every subscription is there again. Returns how long after the change that is, in ms. */
  async #untilResumed(): Promise<number> {
    const startedAt = performance.now();
    await this.#stage.until("every subscription to be there", async () =>
      (await this.#load.away()) === 0 ? true : undefined,
    );
    return Math.round(performance.now() - startedAt);
  }

  /** Every channel has had a turn, and none waits. */
  async #untilServed(): Promise<void> {
    const { channels, rate } = this.#stage.options;
    await pause((channels / rate) * 1_000);
    await this.#stage.until("every channel to be served", async () =>
      (await this.#load.stuck(SERVED_WITHIN_MS)) === 0 ? true : undefined,
    );
  }

  #moved([first, ...later]: Directory[]): Set<string> {
    const names = activeChannels(this.#stage.options.channels);
    const homeIn = (directory: Directory | undefined, channel: string) =>
      directory === undefined ? undefined : this.#stage.homeOf(channel, directory);
    return new Set(
      names.filter((name) => later.some((directory) => homeIn(directory, name) !== homeIn(first, name))),
    );
  }

  async #leftInCells(): Promise<{ leftInCell: Record<string, number>; violations: string[] }> {
    const { directory } = this.#stage;
    const cells = directory.current.cells.filter(({ state }) => state !== "down").map(({ id }) => id);
    const leftInCell: Record<string, number> = {};
    const violations: string[] = [];
    for (const [cell, { left }] of Object.entries(await this.#stage.checkLogs(cells))) {
      leftInCell[cell] = left.length;
      if (left.length > 0)
        violations.push(`${left.length} channels left in ${cell}: ${left.slice(0, 5).join(", ")}`);
    }
    return { leftInCell, violations };
  }

  #judgePauses(change: Change, { pause, violations }: ChangeReport): void {
    const { maxPauseMs, graceMs, beyondGraceMs } = this.#stage.options;
    if (maxPauseMs > 0 && pause.p99 > maxPauseMs && change.pauses !== true)
      violations.push(`the 99th percentile of the pauses is ${pause.p99} ms`);
    if (change.awaitsGrace === true && beyondGraceMs > 0 && pause.max > graceMs + beyondGraceMs)
      violations.push(`channels were away for ${pause.max} ms`);
  }

  #processes() {
    return [
      ...this.#stage.cluster.processes,
      ...this.#load.pids.map((pid) => ({ kind: "load", pid })),
      { kind: "drill", pid: process.pid },
    ];
  }

  async #plan(): Promise<LoadPlan> {
    const stage = this.#stage;
    const { channels, quietChannels, subscribers, channelsPerConnection, sdkPercent, rate } = stage.options;
    return {
      url: stage.url,
      token: await stage.token(),
      gateways: stage.gateways,
      channels: activeChannels(channels),
      subscribers,
      channelsPerConnection,
      sdkPercent,
      lateEvery: LATE_EVERY,
      quietChannels: Array.from({ length: quietChannels }, (_, i) => `quiet.c${i}`),
      rate,
      padBytes: 64,
    };
  }
}

function activeChannels(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `chat.c${i}`);
}
