/** Watches chaos from outside: a line a second for a person, pauses by fault, cells that were given up. */
import type { Directory } from "@plexus/runtime";
import type { Load } from "../drill/load/load.js";
import type { Stage } from "../drill/stage.js";
import type { FaultRunner } from "./runner.js";

const SAMPLE_MS = 250;
const SAMPLES_PER_LINE = 4;
/** A pause is put down to a fault that is over for less than this. */
const AFTERMATH_MS = 4_000;

export class Observer {
  readonly #stage: Stage;
  readonly #load: Load;
  readonly #runner: FaultRunner;
  readonly #say: (line: string) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  /** When each fault was last seen under way. */
  readonly #seenAt = new Map<string, number>();
  readonly #mayStartOver = new Set<string>();
  readonly #forget: () => void;
  #before: Directory;
  #samples = 0;
  #slowestMs = 0;
  worstMs = 0;
  readonly worstMsOf: Record<string, number> = {};

  constructor(context: { stage: Stage; load: Load; runner: FaultRunner; say: (line: string) => void }) {
    this.#stage = context.stage;
    this.#load = context.load;
    this.#runner = context.runner;
    this.#say = context.say;
    this.#before = this.#stage.directory.current;
    this.#forget = this.#stage.directory.onChange((directory) => this.#onDirectory(directory));
    this.#timer = setInterval(() => this.#sample(performance.now()), SAMPLE_MS);
  }

  /** Whether the channel was at home in a cell that was given up together with its log. */
  mayStartOver(channel: string): boolean {
    return this.#mayStartOver.has(channel);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#forget();
  }

  #onDirectory(directory: Directory): void {
    const before = this.#before;
    this.#before = directory;
    if (!this.#stage.options.isolated) return;
    const wasUp = (id: string) => before.cells.some((cell) => cell.id === id && cell.state !== "down");
    const lost = directory.cells.filter(({ id, state }) => state === "down" && wasUp(id)).map(({ id }) => id);
    if (lost.length === 0) return;
    this.#say(`       given up: ${lost.join(", ")}`);
    for (let i = 0; i < this.#stage.options.channels; i++) {
      const channel = `chat.c${i}`;
      if (lost.includes(this.#stage.homeOf(channel, before) ?? "")) this.#mayStartOver.add(channel);
    }
  }

  #sample(now: number): void {
    const status = this.#load.status();
    const { slowestMs } = status;
    this.worstMs = Math.max(this.worstMs, Math.round(slowestMs));
    for (const fault of this.#runner.active) this.#seenAt.set(fault.split(" ")[0]!, now);
    for (const [fault, seenAt] of this.#seenAt) if (now - seenAt > AFTERMATH_MS) this.#seenAt.delete(fault);
    const [only] = this.#seenAt.keys();
    if (this.#seenAt.size === 1)
      this.worstMsOf[only!] = Math.max(this.worstMsOf[only!] ?? 0, Math.round(slowestMs));
    this.#slowestMs = Math.max(this.#slowestMs, slowestMs);
    if (++this.#samples % SAMPLES_PER_LINE === 0) this.#line(status);
  }

  #line(status: ReturnType<Load["status"]>): void {
    const { published, acknowledged, delivered, disconnected, unrecovered, refused } = status;
    const seconds = Math.round((performance.now() - this.#startedAt) / 1_000);
    const again = Object.values(refused).reduce((sum, count) => sum + count, 0);
    const parts = [
      `${String(seconds).padStart(4)} s  published ${published}`,
      `acknowledged ${acknowledged}`,
      `delivered ${delivered}`,
      `slowest ${Math.round(this.#slowestMs)} ms`,
      again > 0 ? `sent again ${again}` : "",
      disconnected > 0 ? `disconnected ${disconnected}` : "",
      unrecovered > 0 ? `unrecovered ${unrecovered}` : "",
      ...this.#runner.active,
    ];
    this.#slowestMs = 0;
    this.#say(parts.filter((part) => part !== "").join("  "));
  }
}
