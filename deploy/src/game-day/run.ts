/** A game day: a steady state, one fault after the other with what is expected of each, and an end at any time. */
import { setTimeout as pause } from "node:timers/promises";
import type { ByCode } from "../load/meter.js";
import { type Begun, FAULTS, type FaultName } from "./faults.js";
import { type Criteria, reasonToStop, sinceOf } from "./judge.js";
import type { Probe, ProbeVerdict } from "./probe.js";
import type { GameTarget } from "./target.js";

const POLL_MS = 50;
/** Until the probe's clients are there, at the beginning. */
const CONNECTED_WITHIN_MS = 10_000;
/** A fault is over when what it befell is whole, and everybody has everything. */
const OVER_WITHIN_MS = 60_000;
const UNDONE_WITHIN_MS = 10_000;
/** What a quiet channel missed is found within 30 s, when its relay next compares heads. */
const ARRIVE_WITHIN_MS = 45_000;

export interface GameDayOptions {
  readonly installation: string;
  readonly target: GameTarget;
  readonly probe: Probe;
  readonly faults: readonly FaultName[];
  readonly steadyMs: number;
  readonly holdMs: number;
  readonly restMs: number;
  readonly criteria: Criteria;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface StepReport {
  readonly fault: FaultName;
  readonly doc: string;
  readonly hypothesis: string;
  /** null: there was nothing that it could befall. */
  readonly target: string | null;
  /** From its beginning until everything was whole again; null where it was not. */
  readonly tookMs: number | null;
  readonly longestPauseMs: number;
  readonly reconnects: number;
  readonly errors: ByCode;
  readonly held: boolean;
}

export interface GameDayReport {
  readonly installation: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly steps: readonly StepReport[];
  readonly verdict: ProbeVerdict;
  /** Why it ended before its time; null where it did not. */
  readonly stopped: string | null;
  readonly ok: boolean;
}

export class GameDay {
  readonly #options: GameDayOptions;
  readonly #startedAt = Date.now();
  readonly #steps: StepReport[] = [];
  #stopped: string | undefined;

  constructor(options: GameDayOptions) {
    this.#options = options;
  }

  /** What keeps it from beginning; undefined where the state is steady. */
  async unsteady(): Promise<string | undefined> {
    const { probe, target, steadyMs, criteria, say } = this.#options;
    say(`is it steady? ${(steadyMs / 1_000).toFixed(0)} s without a fault`);
    const { cells, operation } = await target.cells();
    if (operation !== undefined) return "an operation is under way: see plexus ops";
    const down = cells.filter(({ state }) => state !== "active");
    if (down.length > 0)
      return `not every cell is active: ${down.map(({ id, state }) => `${id} is ${state}`).join(", ")}`;
    if (!(await this.#until(() => probe.isReady, CONNECTED_WITHIN_MS)))
      return "the probe's clients can't all connect";
    probe.takeLongestMs();
    const before = { ...probe.errors };
    await this.#until(() => false, steadyMs);
    if (this.#stopped !== undefined) return this.#stopped;
    const errors = Object.entries(sinceOf(before, probe.errors));
    if (errors.length > 0)
      return `there are errors: ${errors.map(([code, count]) => `${code} ${count}`).join(", ")}`;
    const longestMs = probe.takeLongestMs();
    if (longestMs > criteria.steadyPauseMs) return `a message waited ${Math.round(longestMs)} ms`;
    return reasonToStop(probe.violations, 0, criteria);
  }

  /** Undoes what is under way however it ends. */
  async run(): Promise<GameDayReport> {
    const { probe, faults, restMs } = this.#options;
    for (const fault of faults) {
      if (this.#stopped !== undefined) break;
      await this.#step(fault);
      await this.#until(() => false, restMs);
    }
    const verdict = await probe.finish(ARRIVE_WITHIN_MS);
    const { lost, duplicated, misplaced } = verdict;
    const held = this.#steps.every((step) => step.held);
    return {
      installation: this.#options.installation,
      startedAt: this.#startedAt,
      endedAt: Date.now(),
      steps: this.#steps,
      verdict,
      stopped: this.#stopped ?? null,
      ok: held && lost + duplicated + misplaced === 0 && this.#stopped === undefined,
    };
  }

  async #step(name: FaultName): Promise<void> {
    const { probe, target, holdMs, say } = this.#options;
    const { doc, hypothesis, pauseMs, begin } = FAULTS[name];
    say(`${name}: ${doc}. Expected: ${hypothesis}`);
    const before = { errors: { ...probe.errors }, reconnects: probe.reconnects };
    probe.takeLongestMs();
    const startedAt = performance.now();
    const begun = await begin(target, holdMs).catch((error: Error) => {
      this.#stop(`${name} could not begin: ${error.message}`);
      return undefined;
    });
    let tookMs: number | null = null;
    if (begun !== undefined) {
      say(`${name}: ${begun.target}`);
      await this.#until(() => false, holdMs);
      await this.#undo(name, begun);
      const published = probe.published();
      const isWhole = async () => probe.hasAllOf(published) && (await begun.isOver());
      if (await this.#until(isWhole, OVER_WITHIN_MS)) tookMs = performance.now() - startedAt;
    }
    const longestPauseMs = probe.takeLongestMs();
    const errors = sinceOf(before.errors, probe.errors);
    const reconnects = probe.reconnects - before.reconnects;
    const held =
      begun === undefined || (tookMs !== null && longestPauseMs <= pauseMs && this.#stopped === undefined);
    const step = {
      fault: name,
      doc,
      hypothesis,
      target: begun?.target ?? null,
      tookMs,
      longestPauseMs,
      reconnects,
      errors,
      held,
    };
    this.#steps.push(step);
    const words = begun === undefined ? "nothing to befall" : held ? "as expected" : "NOT as expected";
    say(`${name}: ${words}; the longest pause was ${Math.round(longestPauseMs)} ms`);
  }

  async #undo(name: FaultName, begun: Begun): Promise<void> {
    const late = pause(UNDONE_WITHIN_MS, "late", { ref: false });
    try {
      if ((await Promise.race([begun.undo(), late])) === "late")
        this.#stop(`${name} could not be undone in time`);
    } catch (error) {
      this.#stop(`${name} could not be undone: ${(error as Error).message}`);
    }
  }

  /** The first reason counts. */
  #stop(reason: string): void {
    if (this.#stopped === undefined) this.#options.say(`stopping: ${reason}`);
    this.#stopped ??= reason;
  }

  /** Waits for that, looking all the time whether it has to end. Returns whether it came. */
  async #until(condition: () => boolean | Promise<boolean>, forMs: number): Promise<boolean> {
    const { probe, criteria, signal } = this.#options;
    const untilAt = performance.now() + forMs;
    while (performance.now() < untilAt && this.#stopped === undefined) {
      if (await condition()) return true;
      await pause(POLL_MS);
      const reason = signal.aborted
        ? whyAborted(signal)
        : reasonToStop(probe.violations, probe.waitingMs(), criteria);
      if (reason !== undefined) this.#stop(reason);
    }
    return false;
  }
}

/** Ctrl-C has no reason of its own. */
function whyAborted({ reason }: AbortSignal): string {
  return typeof reason === "string" ? reason : "interrupted";
}
