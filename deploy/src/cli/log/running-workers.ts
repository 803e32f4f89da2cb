/** Whether workers of a cell run: they tell each other, several times a second. */
import { subjects } from "@plexus/protocol";
import { subscribe } from "@plexus/runtime";
import { CliError, EXIT } from "../errors.js";
import type { Bus } from "./bus.js";

/** Workers that were not heard for so long are gone for each other, too. */
const LISTEN_MS = 2_000;

export class RunningWorkers {
  readonly #cell: string;
  readonly #heard = new Set<string>();
  readonly #end: () => void;

  private constructor(bus: Bus, cell: string) {
    this.#cell = cell;
    const beats = subscribe(bus.nats, subjects.beat(cell), bus.log, (message) => {
      const { id, leaving } = message.json<{ id: string; leaving?: true }>();
      if (leaving === true) this.#heard.delete(id);
      else this.#heard.add(id);
    });
    this.#end = () => beats.unsubscribe();
  }

  /** Listens long enough to hear everybody who is there, and goes on listening. */
  static async listen(bus: Bus, cell: string): Promise<RunningWorkers> {
    const workers = new RunningWorkers(bus, cell);
    await new Promise((resolve) => setTimeout(resolve, LISTEN_MS));
    return workers;
  }

  /** Throws where somebody is there. */
  assertNone(): void {
    if (this.#heard.size === 0) return;
    const who = [...this.#heard].sort().join(", ");
    throw new CliError(
      EXIT.refused,
      `workers of ${this.#cell} run: ${who}`,
      "Stop them first: what they hold in memory would contradict the restored log.",
    );
  }

  stop(): void {
    this.#end();
  }
}
