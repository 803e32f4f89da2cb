import type { Logger, Options, Webhook } from "@plexus/runtime";
import * as metrics from "../metrics.js";
import type { hooksOptions } from "../options.js";
import type { Batch } from "./batch.js";
import type { DeadLetters } from "./dead-letters.js";
import { post } from "./post.js";
import { signedHeaders } from "./sign.js";
import type { LiveState } from "./state.js";
import { type Attempt, outcomeOf, problemOf, verdictOn } from "./verdict.js";

/** A dead letter that can't be stored is offered again after this; nothing is passed over meanwhile. */
const STORE_AGAIN_MS = 2_000;

export interface DeliveryContext {
  tenant: string;
  /** As it is at the moment: its address and secret may change between two tries. */
  webhook: () => Webhook;
  state: LiveState;
  letters: DeadLetters;
  options: Options<typeof hooksOptions>;
  /** Ends everything that is under way. */
  signal: AbortSignal;
  log: Logger;
}

/** Gets batches to one webhook: again and again, until they are there or have become a dead letter. */
export class Delivery {
  readonly #context: DeliveryContext;

  constructor(context: DeliveryContext) {
    this.#context = context;
  }

  /**
   * Resolves once the batch is dealt with; to false where everything ends first.
   *
   * @param lane the stream that it is from, for its id as a dead letter
   * @param refresh called after each try that failed
   */
  async deliver(
    lane: string,
    { items, after }: Batch,
    signal: AbortSignal,
    refresh: () => void,
  ): Promise<boolean> {
    const { state, options, tenant, log } = this.#context;
    const json = `[${items.map((item) => item.json).join(",")}]`;
    const oldest = items.reduce((least, { ts }) => Math.min(least, ts), Number.POSITIVE_INFINITY);
    const tries = { all: 0, failed: 0, refused: 0 };
    const firstAt = Date.now();
    while (!signal.aborted) {
      const attempt = await this.#try(json, signal);
      if (signal.aborted) return false;
      tries.all++;
      const outcome = outcomeOf(attempt);
      if (outcome === "failed" || outcome === "refused") tries[outcome]++;
      const now = Date.now();
      const verdict = verdictOn(attempt, tries, now - oldest, options);
      if (verdict.next === "delivered") {
        state.delivered(items.length, now);
        return true;
      }
      state.failed(problemOf(attempt), now);
      if (verdict.next === "dead") {
        const webhook = this.#context.webhook().id;
        log.warn(
          { tenant, webhook, events: items.length, attempts: tries.all },
          "events became a dead letter",
        );
        const letter = { webhook, reason: problemOf(attempt), attempts: tries.all, firstAt, at: now };
        return this.#bury(letter, json, `${tenant}.${webhook}.${lane}.${after.seq}.${after.part}.${firstAt}`);
      }
      refresh();
      void state.save();
      await pause(verdict.inMs, signal);
    }
    return false;
  }

  /** One try of a dead letter's batch; what is wrong, or undefined. */
  async again(batch: readonly unknown[]): Promise<string | undefined> {
    const { state, signal } = this.#context;
    const attempt = await this.#try(JSON.stringify(batch), signal);
    if (outcomeOf(attempt) !== "delivered") return problemOf(attempt);
    state.delivered(batch.length, Date.now());
    await state.save();
    return undefined;
  }

  async #try(batch: string, signal: AbortSignal): Promise<Attempt> {
    const { tenant, options } = this.#context;
    const webhook = this.#context.webhook();
    const body = `{"webhook":${JSON.stringify(webhook.id)},"batch":${batch}}`;
    const started = performance.now();
    const { deadlineMs, privateTargets } = options;
    const attempt = await post(webhook.url, signedHeaders(webhook, body, Date.now()), body, {
      deadlineMs,
      privateTargets,
      signal,
    });
    if (signal.aborted) return attempt;
    metrics.requests.inc({ tenant, webhook: webhook.id, outcome: outcomeOf(attempt) });
    metrics.requestSeconds.observe((performance.now() - started) / 1_000);
    return attempt;
  }

  async #bury(letter: Parameters<DeadLetters["put"]>[1], batch: string, id: string): Promise<boolean> {
    const { tenant, letters, state, signal, log } = this.#context;
    while (!signal.aborted) {
      try {
        await letters.put(tenant, letter, batch, id);
        state.state.dead++;
        metrics.deadLetters.inc({ tenant, webhook: letter.webhook });
        return true;
      } catch (error) {
        log.error({ err: error, tenant, webhook: letter.webhook }, "a dead letter could not be stored");
        await pause(STORE_AGAIN_MS, signal);
      }
    }
    return false;
  }
}

/** Resolves after so long, or when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
