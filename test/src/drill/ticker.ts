/** A line a second for a person. */
import type { CpuMeter } from "./cpu.js";
import type { Load } from "./load/load.js";
import { progressOf, type Stage } from "./stage.js";

const EVERY_MS = 1_000;

export class Ticker {
  /** What is going on. */
  doing = "starting";
  /** To be read now and then, so that little is missed of a process that dies. */
  cpu: CpuMeter | undefined;
  readonly #stage: Stage;
  readonly #load: Load;
  readonly #say: (line: string) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();

  constructor(stage: Stage, load: Load, say: (line: string) => void) {
    this.#stage = stage;
    this.#load = load;
    this.#say = say;
    this.#timer = setInterval(() => this.#tick(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.cpu?.sample();
    const { published, acknowledged, delivered, slowestMs, disconnected, unrecovered, refused } =
      this.#load.status();
    const seconds = Math.round((performance.now() - this.#startedAt) / 1_000);
    const { operation } = this.#stage;
    const progress = operation === undefined ? undefined : progressOf(operation);
    const again = Object.values(refused).reduce((sum, count) => sum + count, 0);
    const parts = [
      `${String(seconds).padStart(4)} s  ${this.doing.padEnd(18)}`,
      `published ${published}`,
      `acknowledged ${acknowledged}`,
      `delivered ${delivered}`,
      `slowest ${Math.round(slowestMs)} ms`,
      progress === undefined ? "" : `moved ${progress.moved}/${progress.total}`,
      again > 0 ? `sent again ${again}` : "",
      disconnected > 0 ? `disconnected ${disconnected}` : "",
      unrecovered > 0 ? `unrecovered ${unrecovered}` : "",
    ];
    this.#say(parts.filter((part) => part !== "").join("  "));
  }
}
