/**
 * A quiet tenant beside a noisy one: the quiet one's times from publish to delivery alone, beside the noisy one without
 * a quota, and beside it with one. The phases take turns, so that what the machine does otherwise falls on all of them.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createLogger, FAIR_TICK_MS, SettingsStore } from "@plexus/runtime";
import { Child } from "../../harness/child.js";
import { signToken } from "../../harness/tokens.js";
import { unlessAborted } from "../../harness/wait.js";
import { CpuMeter } from "../cpu.js";
import type { DrillOptions } from "../options.js";
import { type Spread, spreadOf } from "../spread.js";
import { Stage } from "../stage.js";
import type { NoisyOrder, NoisyPhase, QuietOrder, QuietPhase } from "./orders.js";

const PHASES = ["alone", "beside", "quota"] as const;
type Phase = (typeof PHASES)[number];
const ROUNDS = 3;
/** From one phase to the next, unmeasured: limits find their level. */
const SETTLE_MS = 3_000;
/** With the noise: alone and beside it, code that is compiled is compared with code that is. */
const WARM_UP_S = 8;

const QUIET = { channels: 10, rate: 100 };
const NOISY = { connections: 8, inFlight: 120 };
const NOISY_QUOTA_PER_SECOND = 1_000;
/** What makes it noisy: it gets done so many times what the quiet one does. */
const NOISY_TIMES = 4;
/** Half of the time between two looks at who has more than an equal part: what is this late comes as a crowd. */
const CROWD_MS = FAIR_TICK_MS / 2;
/** Phases in which the noisy tenant is not noisy, one after the other. */
const ATTEMPTS = 8;
/** What the quiet tenant's 99th percentile may be, in parts of that when it is alone. */
const TARGET_RATIO = 1.5;

export interface NeighbourReport {
  readonly drill: "noisy-neighbour";
  readonly seconds: number;
  /** Milliseconds from when a message of the quiet tenant was due to its delivery. */
  readonly quiet: Record<Phase, Spread>;
  /** Its 99th percentile beside the noisy one, over that when it is alone. */
  readonly ratio: { readonly beside: number; readonly quota: number; readonly target: number };
  /** What the noisy one got done. */
  readonly noisy: Record<Exclude<Phase, "alone">, { perSecond: number; refusedPerSecond: number }>;
  readonly offeredPerSecond: number;
  readonly quotaPerSecond: number;
  readonly cpuSeconds: Record<string, number>;
  readonly ok: boolean;
  readonly violations: string[];
}

export async function runNeighbour(
  options: DrillOptions,
  say: (line: string) => void,
  interrupted?: AbortSignal,
): Promise<NeighbourReport> {
  const stage = await Stage.start(options, say, interrupted);
  const [quiet, noisy] = [0, 1].map(() => new Child(new URL("./process.js", import.meta.url)));
  const settings = await SettingsStore.open(stage.nats, createLogger("drill", "drill", "fatal"));
  try {
    const drill = new Neighbours(stage, settings, quiet!, noisy!, say).run();
    return await unlessAborted(drill, interrupted);
  } finally {
    settings.stop();
    await Promise.all([quiet!.stop(), noisy!.stop()]);
    await stage.stop();
  }
}

class Neighbours {
  readonly #stage: Stage;
  readonly #settings: SettingsStore;
  readonly #quiet: Child;
  readonly #noisy: Child;
  readonly #say: (line: string) => void;
  readonly #seen: Record<Phase, QuietPhase[]> = { alone: [], beside: [], quota: [] };
  readonly #done: Record<Phase, NoisyPhase[]> = { alone: [], beside: [], quota: [] };
  /** When the quiet tenant has waited as long as it was told: what it sends before is refused for that reason. */
  #heededAt = 0;
  /** What was wrong at any speed in phases that did not count. */
  readonly #before: string[] = [];

  constructor(
    stage: Stage,
    settings: SettingsStore,
    quiet: Child,
    noisy: Child,
    say: (line: string) => void,
  ) {
    this.#stage = stage;
    this.#settings = settings;
    this.#quiet = quiet;
    this.#noisy = noisy;
    this.#say = say;
  }

  async run(): Promise<NeighbourReport> {
    const processes = () => [
      ...this.#stage.cluster.processes,
      { kind: "quiet load", pid: this.#quiet.pid },
      { kind: "noisy load", pid: this.#noisy.pid },
    ];
    await this.#prepare();
    const cpu = new CpuMeter(processes);
    for (let round = 0; round < ROUNDS; round++)
      for (const phase of PHASES) await this.#phaseThatCounts(phase);
    const cpuSeconds = cpu.read();
    for (const child of [this.#quiet, this.#noisy]) await child.ask("stop", null);
    return this.#report(cpuSeconds);
  }

  async #prepare(): Promise<void> {
    const { url, gateways, cluster, options } = this.#stage;
    const { tokenSecret } = cluster.dev;
    const order = async (tenant: string) => ({
      url,
      gateways,
      token: await signToken(tokenSecret, "drill", { tenant }),
    });
    await this.#settings.putTenant("quiet", {});
    await this.#settings.putTenant("noisy", {});
    await this.#quiet.ask("quiet", { ...(await order("quiet")), ...QUIET } satisfies QuietOrder);
    await this.#noisy.ask("noisy", {
      ...(await order("noisy")),
      ...NOISY,
      rate: options.rate,
    } satisfies NoisyOrder);
    await this.#noisy.ask("begin", null);
    await this.#quietPhase(WARM_UP_S);
    await this.#calm();
  }

  /**
   * Where the machine leaves so little that the noisy tenant does hardly more than the quiet one, or the quiet one's
   * messages come in crowds, the quiet one has more than an equal part of a process now and then, and is refused.
   */
  async #phaseThatCounts(phase: Phase): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { seen, beside } = await this.#phase(phase);
      const counts = seen.lateMs < CROWD_MS && beside >= seen.published * NOISY_TIMES;
      if (phase === "alone" || counts || attempt === ATTEMPTS || !isHeldBack(seen)) break;
      this.#seen[phase].pop();
      const done = this.#done[phase].pop()!;
      this.#before.push(...lossesOf(phase, seen), ...(phase === "quota" ? overrunOf(done) : []));
      const late = Math.round(seen.lateMs);
      this.#say(`${phase} again: ${refusalsOf(seen)}; beside ${beside} messages, up to ${late} ms late`);
    }
  }

  /** What the quiet tenant saw, and what the noisy one got done meanwhile. */
  async #phase(phase: Phase): Promise<{ seen: QuietPhase; beside: number }> {
    const { seconds } = this.#stage.options;
    const quotas = phase === "quota" ? { messagesInPerSecond: NOISY_QUOTA_PER_SECOND } : {};
    await this.#settings.putTenant("noisy", { quotas });
    if (phase !== "alone") await this.#noisy.ask("begin", null);
    await pause(Math.max(SETTLE_MS, this.#heededAt - performance.now()));
    const before = await this.#noisy.ask<number>("acknowledged", null);
    const seen = await this.#quietPhase(seconds);
    const beside = (await this.#noisy.ask<number>("acknowledged", null)) - before;
    this.#seen[phase].push(seen);
    if (phase !== "alone") this.#done[phase].push(await this.#calm());
    const { p50, p99 } = spreadOf(seen.latenciesMs);
    this.#say(`${phase.padEnd(8)}quiet p50 ${p50} ms  p99 ${p99} ms  ${this.#noise(phase)}`);
    return { seen, beside };
  }

  async #quietPhase(seconds: number): Promise<QuietPhase> {
    const seen = await this.#quiet.ask<QuietPhase>("phase", { seconds });
    this.#heededAt = performance.now() + seen.retryMs;
    return seen;
  }

  /** Ends the noise, with its last answer. */
  async #calm(): Promise<NoisyPhase> {
    const done = await this.#noisy.ask<NoisyPhase>("end", null);
    const isCalm = async () => (await this.#noisy.ask<boolean>("isCalm", null)) || undefined;
    await this.#stage.until("the noisy tenant's last answers", isCalm);
    return done;
  }

  #noise(phase: Phase): string {
    const done = this.#done[phase].at(-1);
    if (done === undefined) return "";
    const { acknowledged, refused, seconds } = done;
    return `noisy ${perSecond(acknowledged, seconds)}/s, refused ${perSecond(refused, seconds)}/s`;
  }

  #report(cpuSeconds: Record<string, number>): NeighbourReport {
    const { seconds, rate } = this.#stage.options;
    const spread = (phase: Phase) => spreadOf(this.#seen[phase].flatMap(({ latenciesMs }) => latenciesMs));
    const quiet = { alone: spread("alone"), beside: spread("beside"), quota: spread("quota") };
    const ratio = (phase: Phase) => Math.round((quiet[phase].p99 / quiet.alone.p99) * 100) / 100;
    const noisy = (phase: Phase) => {
      const total = (of: (done: NoisyPhase) => number) =>
        this.#done[phase].reduce((sum, each) => sum + of(each), 0);
      const lasted = total((done) => done.seconds);
      return {
        perSecond: perSecond(
          total((done) => done.acknowledged),
          lasted,
        ),
        refusedPerSecond: perSecond(
          total((done) => done.refused),
          lasted,
        ),
      };
    };
    const violations = [...this.#violations(), ...this.#stage.casualties];
    return {
      drill: "noisy-neighbour",
      seconds,
      quiet,
      ratio: { beside: ratio("beside"), quota: ratio("quota"), target: TARGET_RATIO },
      noisy: { beside: noisy("beside"), quota: noisy("quota") },
      offeredPerSecond: rate,
      quotaPerSecond: NOISY_QUOTA_PER_SECOND,
      cpuSeconds,
      ok: violations.length === 0,
      violations,
    };
  }

  /** The times are reported; what would be wrong at any speed is a violation. */
  #violations(): string[] {
    const violations: string[] = [...this.#before];
    for (const phase of PHASES)
      for (const seen of this.#seen[phase]) {
        if (seen.refused > 0)
          violations.push(`${phase}: publishes of the quiet tenant were refused: ${refusalsOf(seen)}`);
        violations.push(...lossesOf(phase, seen));
      }
    for (const phase of ["beside", "quota"] as const)
      if (this.#done[phase].some(({ acknowledged }) => acknowledged === 0))
        violations.push(`${phase}: the noisy tenant got nothing done`);
    return [...violations, ...this.#done.quota.flatMap(overrunOf)];
  }
}

/** Seconds' worth of the quota that may be let in beside it: a burst of each gateway, and until they hear of each other. */
const OVERRUN_S = 4;

function overrunOf({ acknowledged, seconds }: NoisyPhase): string[] {
  if (acknowledged <= NOISY_QUOTA_PER_SECOND * (seconds * 1.1 + OVERRUN_S)) return [];
  return [`quota: ${perSecond(acknowledged, seconds)} per second`];
}

/** Whether it was refused something, and nothing but for its rate. */
function isHeldBack({ refused, refusals }: QuietPhase): boolean {
  return refused > 0 && Object.keys(refusals).every((said) => said.startsWith("rate_limited, "));
}

function lossesOf(phase: Phase, { published, delivered, refused }: QuietPhase): string[] {
  if (delivered + refused === published) return [];
  return [`${phase}: ${delivered} of ${published} messages of the quiet tenant arrived`];
}

function refusalsOf({ refusals }: QuietPhase): string {
  return Object.entries(refusals)
    .map(([said, count]) => `${count} with "${said}"`)
    .join(", ");
}

function perSecond(count: number, seconds: number): number {
  return seconds === 0 ? 0 : Math.round(count / seconds);
}
