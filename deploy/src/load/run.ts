/** A load run: step after step, each opened slowly, measured, and judged; it ends by itself. */
import { setTimeout as pause } from "node:timers/promises";
import { type AbortLimits, LATE_LIMIT_MS, reasonToStop } from "./abort.js";
import { type Bottleneck, bottleneckOf, type Signal, signalsOf } from "./bottleneck.js";
import { missingAtEnd, type Violations } from "./check.js";
import type { Target } from "./connection.js";
import { Crowd } from "./crowd.js";
import { openLoop, type Percentiles } from "./latencies.js";
import { type ByCode, Meter, type OwnCost, OwnMeter } from "./meter.js";
import { type LocalProcess, ServerMeter, type ServerSide, type StatsSample } from "./server-side.js";
import { grown, sizeOf, type Workload } from "./workload.js";

const SAMPLE_MS = 1_000;
/** After the last publish of a step: until everything has arrived, or not. */
const ARRIVE_WITHIN_MS = 5_000;
const POLL_MS = 20;
/** What is shorter is no sample of its own. */
const LAST_PIECE_MS = 50;

export interface RunOptions {
  readonly workload: Workload;
  readonly steps: readonly number[];
  readonly targets: readonly Target[];
  readonly tokens: readonly string[];
  readonly rampPerSecond: number;
  readonly limits: AbortLimits;
  /** Of everything together; then it ends, wherever it is. */
  readonly maxMs: number;
  readonly run: string;
  readonly random: () => number;
  /** Processes on this machine; none where the installation is elsewhere. */
  readonly local: readonly LocalProcess[];
  readonly cores: number;
  /** One sample of the admin API; undefined where it gives none. */
  readonly stats: () => Promise<StatsSample | undefined>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface StepReport {
  readonly factor: number;
  /** What was asked for. */
  readonly wanted: Pick<Workload, "connections" | "sources" | "channels" | "publishesPerSecond">;
  /** At the end of the step. */
  readonly connections: number;
  readonly seconds: number;
  readonly due: number;
  readonly publishesPerSecond: number;
  readonly acknowledgedPerSecond: number;
  readonly deliveriesPerSecond: number;
  readonly joined: number;
  readonly presenceEvents: number;
  readonly ackMs: Percentiles | null;
  readonly deliverMs: Percentiles | null;
  readonly errors: ByCode;
  readonly closes: ByCode;
  readonly violations: Violations;
  readonly unrecovered: number;
  readonly own: OwnCost & { readonly lateMs: Percentiles | null };
  /** Whether the admin API gave samples. */
  readonly statsKnown: boolean;
  readonly server: ServerSide;
  readonly signals: readonly Signal[];
}

export interface LoadReport {
  readonly workload: Workload;
  readonly steps: readonly StepReport[];
  /** Why it ended before its time; null where it did not. */
  readonly stopped: string | null;
  readonly bottleneck: Bottleneck | null;
  /** Nothing was lost, duplicated or misplaced, and it ran to its end. */
  readonly ok: boolean;
}

export class LoadRun {
  readonly #options: RunOptions;
  readonly #crowd: Crowd;
  readonly #endAt: number;
  #meter = new Meter();
  #stopped: string | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    const { targets, tokens, rampPerSecond, run, random } = options;
    this.#crowd = new Crowd({ targets, tokens, rampPerSecond, run, random, meter: () => this.#meter });
    this.#endAt = performance.now() + options.maxMs;
  }

  async run(): Promise<LoadReport> {
    const { workload, signal } = this.#options;
    const steps: StepReport[] = [];
    const ended = () => this.#stop("interrupted");
    signal.addEventListener("abort", ended, { once: true });
    const timer = setTimeout(() => this.#stop("the time for the whole run is over"), this.#options.maxMs);
    try {
      for (const factor of this.#options.steps) {
        if (this.#stopped !== undefined) break;
        steps.push(await this.#step(factor, grown(workload, factor)));
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", ended);
      this.#crowd.leave();
    }
    const clean = steps.every(
      ({ violations: { lost, duplicated, misplaced } }) => lost + duplicated + misplaced === 0,
    );
    return {
      workload,
      steps,
      stopped: this.#stopped ?? null,
      bottleneck: bottleneckOf(steps.map(({ signals }) => signals)) ?? null,
      ok: clean && this.#stopped === undefined,
    };
  }

  /** The first reason counts. Connections that are being opened are given up. */
  #stop(reason: string): void {
    this.#stopped ??= reason;
    this.#crowd.giveUpOpening();
  }

  async #step(factor: number, workload: Workload): Promise<StepReport> {
    const { say, local, stats } = this.#options;
    this.#meter = new Meter();
    say(`×${factor}: opening up to ${workload.connections + workload.sources} connections`);
    await this.#crowd.grow(workload);
    // What opening cost stays: errors of connections are errors of the step.
    const opening = this.#meter;
    this.#meter = new Meter();
    Object.assign(this.#meter.errors, opening.errors);
    const [own, server] = [new OwnMeter(), new ServerMeter({ local, stats, say })];
    const seconds = await this.#publish(factor, workload, server);
    const [ownCost, serverSide] = [own.end(), await server.end()];
    await this.#arrive();
    this.#judge();
    const { statsKnown } = server;
    return this.#report({ factor, workload, seconds, statsKnown, ownCost, serverSide });
  }

  /** Open loop: publishes when they are due, whatever became of those before. Resolves to the seconds that took. */
  async #publish(factor: number, workload: Workload, server: ServerMeter): Promise<number> {
    const { random } = this.#options;
    const startedAt = performance.now();
    const endAt = Math.min(startedAt + workload.seconds * 1_000, this.#endAt);
    const ends: Array<() => void> = [];
    if (workload.publishesPerSecond > 0)
      ends.push(
        openLoop(workload.publishesPerSecond, (dueMs) => {
          this.#meter.due++;
          this.#crowd.publish(dueMs, sizeOf(workload, random()));
        }),
      );
    if (workload.churnPerSecond > 0)
      ends.push(openLoop(workload.churnPerSecond, () => void this.#crowd.replaceOne()));
    while (endAt - performance.now() > LAST_PIECE_MS && this.#stopped === undefined) {
      await this.#rest(Math.min(SAMPLE_MS, endAt - performance.now()));
      server.ask();
      this.#look(factor);
    }
    for (const end of ends) end();
    return (performance.now() - startedAt) / 1_000;
  }

  #lateInARow = 0;
  #before = { due: 0, failed: 0, meter: this.#meter };

  /** Once a second: says where it stands, and whether it has to end. */
  #look(factor: number): void {
    const meter = this.#meter;
    if (this.#before.meter !== meter) this.#before = { due: 0, failed: meter.failed, meter };
    const [due, failed] = [meter.due - this.#before.due, meter.failed - this.#before.failed];
    this.#before = { due: meter.due, failed: meter.failed, meter };
    const ack = meter.ackMs.takeWindow();
    const late = meter.lateMs.takeWindow();
    this.#lateInARow = (late?.p99Ms ?? 0) > LATE_LIMIT_MS ? this.#lateInARow + 1 : 0;
    const window = {
      due,
      failed,
      ackP99Ms: ack?.p99Ms ?? null,
      lateP99Ms: late?.p99Ms ?? null,
      lateInARow: this.#lateInARow,
    };
    const shown = ack === null ? "" : `, ok p50 ${ack.p50Ms.toFixed(1)} ms, p99 ${ack.p99Ms.toFixed(1)} ms`;
    this.#options.say(
      `×${factor}: ${this.#crowd.ready} connections, ${due} publishes due${shown}${failed > 0 ? `, ${failed} errors` : ""}`,
    );
    const reason = reasonToStop(window, this.#options.limits);
    if (reason !== undefined) this.#stop(reason);
  }

  /** Waits for answers and deliveries that are under way. */
  async #arrive(): Promise<void> {
    const untilAt = performance.now() + ARRIVE_WITHIN_MS;
    while (performance.now() < untilAt && (this.#crowd.inFlight > 0 || this.#missing() > 0))
      await pause(POLL_MS);
  }

  #missing(): number {
    let missing = 0;
    for (const { isReady, subscriptions } of this.#crowd.connections)
      if (isReady)
        for (const subscription of subscriptions)
          missing += missingAtEnd(subscription, this.#crowd.channelOf(subscription.channel)?.check.head);
    return missing;
  }

  #judge(): void {
    this.#meter.violations.lost += this.#missing();
    for (const { check } of this.#crowd.channels) check.forget();
  }

  async #rest(ms: number): Promise<void> {
    await pause(Math.max(1, ms), undefined, { signal: this.#options.signal }).catch((error: unknown) => {
      if (!this.#options.signal.aborted) throw error;
    });
  }

  #report(found: {
    factor: number;
    workload: Workload;
    seconds: number;
    statsKnown: boolean;
    ownCost: OwnCost;
    serverSide: ServerSide;
  }): StepReport {
    const { factor, workload, seconds, statsKnown, ownCost, serverSide: server } = found;
    const meter = this.#meter;
    const { connections, sources, channels, publishesPerSecond } = workload;
    const lateMs = meter.lateMs.take();
    const own = { cpu: ownCost.cpu, lateP99Ms: lateMs?.p99Ms ?? null };
    const { due, errors, closes, violations, joined, presenceEvents, unrecovered } = meter;
    return {
      factor,
      wanted: { connections, sources, channels, publishesPerSecond },
      connections: this.#crowd.ready,
      seconds,
      due,
      publishesPerSecond: meter.published / seconds,
      acknowledgedPerSecond: meter.acknowledged / seconds,
      deliveriesPerSecond: meter.delivered / seconds,
      joined,
      presenceEvents,
      ackMs: meter.ackMs.take(),
      deliverMs: meter.deliverMs.take(),
      errors,
      closes,
      violations,
      unrecovered,
      own: { ...ownCost, lateMs },
      statsKnown,
      server,
      signals: signalsOf({ due, errors, own, server }, this.#options.cores),
    };
  }
}
