import { PlexusError } from "@plexus/protocol";
import type { Logger, Options } from "@plexus/runtime";
import { backoffMs } from "@plexus/runtime";
import type { hooksOptions } from "../options.js";
import type { DeadLetters } from "./dead-letters.js";
import { type Delivery, pause } from "./delivery.js";

export interface ReplayContext {
  tenant: string;
  webhook: string;
  delivery: Delivery;
  letters: DeadLetters;
  options: Options<typeof hooksOptions>;
  signal: AbortSignal;
  log: Logger;
}

/** Delivers dead letters again, the oldest first; one that fails again stays, and with it those behind it. */
export class Replay {
  readonly #context: ReplayContext;
  #running = false;

  constructor(context: ReplayContext) {
    this.#context = context;
  }

  /** Resolves to how many will be delivered; it begins then. */
  async start(only: number | undefined): Promise<number> {
    const { letters, tenant, webhook, log } = this.#context;
    if (this.#running) throw new PlexusError("conflict", "its dead letters are being delivered already");
    this.#running = true;
    try {
      const first = await letters.next(tenant, webhook, only ?? 1);
      if (only !== undefined && first?.seq !== only)
        throw new PlexusError("not_found", `there is no dead letter ${only}`);
      const count = only === undefined ? await letters.count(tenant, webhook) : 1;
      void this.#run(only ?? 1, count)
        .catch((error: unknown) =>
          log.warn({ err: error, tenant, webhook }, "dead letters: the replay ended"),
        )
        .finally(() => {
          this.#running = false;
        });
      return count;
    } catch (error) {
      this.#running = false;
      throw error;
    }
  }

  async #run(from: number, count: number): Promise<void> {
    const { letters, tenant, webhook, signal, log } = this.#context;
    let seq = from;
    for (let done = 0; done < count && !signal.aborted; done++) {
      const found = await letters.next(tenant, webhook, seq);
      if (found === null) return;
      const problem = await this.#deliver(found.letter.batch);
      if (problem !== undefined)
        return log.warn(
          { tenant, webhook, letter: found.seq, problem },
          "a dead letter could not be delivered again",
        );
      await letters.remove(found.seq);
      seq = found.seq + 1;
    }
  }

  async #deliver(batch: readonly unknown[]): Promise<string | undefined> {
    const { delivery, options, signal } = this.#context;
    for (let tries = 1; ; tries++) {
      const problem = await delivery.again(batch);
      if (problem === undefined || tries >= options.refusals || signal.aborted) return problem;
      await pause(backoffMs(tries - 1, options.retryFirstMs, options.retryMaxMs), signal);
    }
  }
}
