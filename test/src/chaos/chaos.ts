/** Chaos: load on a cluster, faults by a seed's schedule, and the verdict on every message. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Slowest } from "../drill/load/lane.js";
import { Load } from "../drill/load/load.js";
import type { HistoryResult, LoadResult } from "../drill/load/orders.js";
import { violationsOf } from "../drill/report.js";
import { unlessAborted } from "../harness/wait.js";
import { FAULTS } from "./faults/index.js";
import { grown, readMemory } from "./memory.js";
import { Observer } from "./observer.js";
import type { ChaosOptions } from "./options.js";
import { PresenceCrew } from "./presence-crew.js";
import { FaultRunner, type Performed } from "./runner.js";
import { planFaults } from "./schedule.js";
import { World } from "./world.js";

const CALM_MS = 3_000;
const CREW_SIZE = 8;
/** After the last fault: until every channel is served, and until everything acknowledged has arrived. */
const SERVED_WITHIN_MS = 30_000;
const ARRIVE_WITHIN_MS = 30_000;
const OPERATION_WITHIN_MS = 120_000;
/** A gateway's lease ends after 6 s, and presence is compared every 10 s. */
const PRESENCE_WITHIN_MS = 30_000;
/** A channel that has waited so long for an acknowledgement is not served. */
const STUCK_MS = 1_000;

export interface ChaosReport {
  seed: number;
  seconds: number;
  isolated: boolean;
  bug?: string;
  published: number;
  acknowledged: number;
  failed: number;
  delivered: number;
  lost: number;
  duplicated: number;
  reordered: number;
  misnumbered: number;
  /** Connections of clients that were cut. */
  disconnected: number;
  /** Subscriptions that went on with word of a hole, each of them because its cell's log was out of reach. */
  unrecovered: number;
  /** Messages that had been stored by an earlier try, and got the position of that. */
  repeatedMids: number;
  /** Requests that were sent again, by what was answered. */
  repeated: Record<string, number>;
  history: { channels: number; messages: number };
  /** After the last fault: until every channel was served, and until presence was right. */
  servedAfterMs: number;
  presenceAfterMs: number;
  /** The longest time from due to acknowledged, over all, and for faults that were alone at the time. */
  worstPauseMs: number;
  worstPauseMsOf: Record<string, number>;
  /** The message of that pause: when it was due, from the beginning of the schedule, and what became of each try. */
  slowest?: { channel: string; dueMs: number; tookMs: number; tries: Slowest["tries"] };
  faults: Performed[];
  ok: boolean;
  violations: string[];
}

export async function runChaos(
  options: ChaosOptions,
  say: (line: string) => void,
  interrupted?: AbortSignal,
): Promise<ChaosReport> {
  const { cluster, bug } = options;
  const data = cluster.data ?? mkdtempSync(join(tmpdir(), "plexus-chaos-"));
  const world = await World.start({ ...cluster, data }, say, interrupted, bug);
  const load = new Load(cluster.generators);
  try {
    return await unlessAborted(new Chaos(options, world, load, say).run(), interrupted);
  } finally {
    await load.stop();
    await world.stop();
    if (cluster.data === undefined) rmSync(data, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Chaos {
  readonly #options: ChaosOptions;
  readonly #world: World;
  readonly #load: Load;
  readonly #runner: FaultRunner;
  readonly #observer: Observer;
  readonly #violations: string[] = [];

  constructor(options: ChaosOptions, world: World, load: Load, say: (line: string) => void) {
    this.#options = options;
    this.#world = world;
    this.#load = load;
    this.#runner = new FaultRunner(world, say);
    this.#observer = new Observer({ stage: world.stage, load, runner: this.#runner, say });
  }

  async run(): Promise<ChaosReport> {
    const { seed, seconds, faults } = this.#options;
    const { stage, url } = this.#world;
    await this.#load.prepare(await this.#plan());
    const crew = await PresenceCrew.start(url, await stage.token(), CREW_SIZE);
    try {
      await this.#load.tell("calm");
      await pause(CALM_MS);
      const memory = await readMemory(stage.cluster.processes);
      const chosen = Object.fromEntries(faults.map((name) => [name, FAULTS[name]!]));
      await this.#runner.run(planFaults(seed, seconds * 1_000, chosen));
      this.#world.healNetwork();
      const served = await this.#untilServed();
      const presenceAfterMs = await this.#judgePresence(crew);
      const verdict = await this.#judgeMessages();
      this.#violations.push(...grown(memory, await readMemory(stage.cluster.processes)));
      return this.#report(verdict, served, presenceAfterMs);
    } finally {
      this.#observer.stop();
      crew.stop();
    }
  }

  /** Returns how long it took, in ms. */
  async #untilServed(): Promise<number> {
    const startedAt = performance.now();
    const { stage } = this.#world;
    const served = async () => ((await this.#load.stuck(STUCK_MS)) === 0 ? true : undefined);
    await this.#must(stage.until("every channel to be served", served, SERVED_WITHIN_MS));
    const tookMs = Math.round(performance.now() - startedAt);
    const over = () => (stage.directory.current.operation ? undefined : true);
    await this.#must(stage.until("the operation under way to end", over, OPERATION_WITHIN_MS));
    return tookMs;
  }

  async #judgePresence(crew: PresenceCrew): Promise<number> {
    let tookMs = PRESENCE_WITHIN_MS;
    await this.#must(
      crew.converge(PRESENCE_WITHIN_MS).then((ms) => {
        tookMs = ms;
      }),
    );
    this.#violations.push(...crew.findings);
    return tookMs;
  }

  async #judgeMessages(): Promise<{ finished: LoadResult; past: HistoryResult }> {
    const { stage } = this.#world;
    const finished = await this.#load.finish(ARRIVE_WITHIN_MS);
    const past = await this.#load.history(this.#options.cluster.history);
    const mayStartOver = (channel: string) => this.#observer.mayStartOver(channel);
    this.#violations.push(...violationsOf(finished, past, { cuts: true, mayStartOver }));
    const up = stage.directory.current.cells.filter(({ state }) => state !== "down").map(({ id }) => id);
    for (const [cell, { left }] of Object.entries(await stage.checkLogs(up)))
      if (left.length > 0)
        this.#violations.push(`${left.length} channels left in ${cell}: ${left.slice(0, 5)}`);
    this.#violations.push(...stage.casualties, ...this.#runner.failures);
    return { finished, past };
  }

  #report(
    { finished, past }: { finished: LoadResult; past: HistoryResult },
    servedAfterMs: number,
    presenceAfterMs: number,
  ): ChaosReport {
    const { seed, seconds, bug, cluster } = this.#options;
    const { verdict, failed, counters, unrecovered } = finished;
    const both = (kind: "lost" | "duplicated" | "reordered" | "misnumbered") =>
      verdict[kind] + past.verdict[kind];
    return {
      seed,
      seconds,
      isolated: cluster.isolated,
      ...(bug !== undefined && { bug }),
      published: counters.published,
      acknowledged: counters.acknowledged,
      failed,
      delivered: counters.delivered,
      lost: both("lost"),
      duplicated: both("duplicated"),
      reordered: both("reordered"),
      misnumbered: both("misnumbered"),
      disconnected: counters.disconnected,
      unrecovered: unrecovered.length,
      repeatedMids: counters.repeated,
      repeated: counters.refused,
      history: { channels: past.channels, messages: past.messages },
      servedAfterMs,
      presenceAfterMs,
      worstPauseMs: this.#observer.worstMs,
      worstPauseMsOf: this.#observer.worstMsOf,
      ...(finished.slowest !== undefined && { slowest: this.#storyOf(finished.slowest) }),
      faults: this.#runner.performed,
      ok: this.#violations.length === 0,
      violations: this.#violations,
    };
  }

  #storyOf({ channel, dueAt, tookMs, tries }: Slowest) {
    const dueMs = Math.round(dueAt - this.#runner.startedAt);
    return { channel, dueMs, tookMs: Math.round(tookMs), tries };
  }

  /** What does not come true is a violation, and the verdict on the rest is still wanted. */
  async #must(promise: Promise<unknown>): Promise<void> {
    await promise.catch((error: unknown) => {
      this.#violations.push(error instanceof Error ? error.message : String(error));
    });
  }

  async #plan() {
    const { stage, url } = this.#world;
    const { cluster } = this.#options;
    const { channels, quietChannels, subscribers, channelsPerConnection, sdkPercent, rate } = cluster;
    const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
    return {
      url,
      token: await stage.token(),
      gateways: stage.gateways,
      channels: names("chat.c", channels),
      subscribers,
      channelsPerConnection,
      sdkPercent,
      lateEvery: 0,
      quietChannels: names("quiet.c", quietChannels),
      rate,
      padBytes: 64,
    };
  }
}
