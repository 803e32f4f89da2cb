/** The probe: a few clients that publish and subscribe all the time, and check every message. */
import { setTimeout as pause } from "node:timers/promises";
import type { MsgFrame } from "@plexus/protocol";
import { noViolations, type Violations } from "../load/check.js";
import type { Target } from "../load/connection.js";
import type { ByCode } from "../load/meter.js";
import { ProbeLane, ProbeView } from "./lane.js";
import { ProbeConnection } from "./probe-connection.js";

/** Spread over the cells by their names. */
const CHANNELS = 12;
const SUBSCRIBERS = 4;
const PUBLISHERS = 2;
/** Of each channel. */
const PER_SECOND = 5;
const TICK_MS = 20;
const LOOK_MS = 500;
const POLL_MS = 20;

export interface ProbeVerdict extends Violations {
  readonly published: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** Subscriptions that were told that they missed something. */
  readonly unrecovered: number;
}

export class Probe {
  readonly errors: ByCode = {};
  readonly #lanes: ProbeLane[];
  readonly #views: ProbeView[] = [];
  readonly #connections: ProbeConnection[] = [];
  readonly #violations = noViolations();
  readonly #timers: NodeJS.Timeout[] = [];
  #cameBack = 0;
  #publishing = true;
  /** When everybody was there for the first time: what is published before could not be expected of all. */
  #startedAt: number | undefined;
  #issued = 0;

  /** @param run distinguishes its channels from others */
  constructor(targets: readonly Target[], token: string, run: string) {
    this.#lanes = Array.from({ length: CHANNELS }, (_, i) => new ProbeLane(`game-day.${run}-${i}`));
    const connect = (views: readonly ProbeView[]) =>
      this.#connections.push(
        new ProbeConnection(targets, token, views, {
          received: (view, frame) => this.#received(view, frame),
          error: (code) => {
            this.errors[code] = (this.errors[code] ?? 0) + 1;
          },
          cameBack: () => this.#cameBack++,
        }),
      );
    for (let i = 0; i < PUBLISHERS; i++) connect([]);
    for (let i = 0; i < SUBSCRIBERS; i++) {
      const views = this.#lanes.map((lane) => new ProbeView(lane));
      this.#views.push(...views);
      connect(views);
    }
    this.#timers.push(setInterval(() => this.#tick(performance.now()), TICK_MS));
    this.#timers.push(setInterval(() => this.#look(performance.now()), LOOK_MS));
  }

  get isReady(): boolean {
    return this.#connections.every(({ isReady }) => isReady);
  }
  /** How often connections came back. */
  get reconnects(): number {
    return Math.max(0, this.#cameBack - this.#connections.length);
  }
  /** What can be told at once; what is missing in the end is told by {@link finish}. */
  get violations(): Readonly<Violations> {
    return this.#violations;
  }

  /** For how long the oldest message without an answer has waited. */
  waitingMs(now = performance.now()): number {
    return Math.max(...this.#lanes.map((lane) => lane.waitingMs(now)));
  }

  /** The longest wait for an answer since this was last asked. */
  takeLongestMs(): number {
    const now = performance.now();
    return Math.max(...this.#lanes.map((lane) => lane.takeLongestMs(now)));
  }

  /** How much is published by now, by channel: for {@link hasAllOf}. */
  published(): number[] {
    return this.#lanes.map(({ published }) => published);
  }

  /** Whether all connections are there, and everybody has what was published by then. */
  hasAllOf(published: readonly number[]): boolean {
    return this.isReady && this.#views.every((view, i) => view.hasAllOf(published[i % CHANNELS]!));
  }

  verdict(): ProbeVerdict {
    const sum = (of: (view: ProbeView) => number) => this.#views.reduce((total, view) => total + of(view), 0);
    const { lost, duplicated, misplaced } = this.#violations;
    return {
      published: this.#lanes.reduce((total, { published }) => total + published, 0),
      acknowledged: this.#lanes.reduce((total, { acks }) => total + acks.length, 0),
      delivered: sum(({ delivered }) => delivered),
      lost: lost + sum((view) => view.missing()),
      duplicated,
      misplaced: misplaced + sum((view) => view.misplaced()),
      unrecovered: sum(({ unrecovered }) => unrecovered),
    };
  }

  /** Publishes no more, waits for what is under way, and judges. */
  async finish(withinMs: number): Promise<ProbeVerdict> {
    this.#publishing = false;
    const untilAt = performance.now() + withinMs;
    const all = this.published();
    while (performance.now() < untilAt && !this.hasAllOf(all)) await pause(POLL_MS);
    const verdict = this.verdict();
    this.stop();
    return verdict;
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const connection of this.#connections) connection.leave();
  }

  #tick(now: number): void {
    if (this.#startedAt === undefined && !this.isReady) return;
    this.#startedAt ??= now;
    const dueUntil = Math.floor(((now - this.#startedAt) / 1_000) * PER_SECOND * CHANNELS);
    for (; this.#publishing && this.#issued < dueUntil; this.#issued++)
      this.#lanes[this.#issued % CHANNELS]!.due(
        this.#startedAt + (this.#issued * 1_000) / (PER_SECOND * CHANNELS),
      );
    // Each lane has a publisher of its own: another one's would not keep its order.
    for (const [i, lane] of this.#lanes.entries()) this.#connections[i % PUBLISHERS]!.pump(lane, now);
  }

  #look(now: number): void {
    for (const connection of this.#connections) connection.look(now);
  }

  #received(view: ProbeView, { epoch, seq, m }: MsgFrame): void {
    const numbers = m.map(({ data }) => (data as { n: number }).n);
    view.received({ epoch, seq }, numbers, this.#violations);
  }
}
