/** Questions that change nothing (`history`, `presence`): asked again, on whatever connection there is. */
import { type OkFrame, PlexusError } from "@plexus/protocol";
import { retryDelay } from "./backoff.js";
import { isRetryable, LinkLost } from "./errors.js";
import type { Link, Question } from "./link.js";
import type { Settings } from "./options.js";

interface Waiting {
  readonly question: Question;
  readonly deadlineAt: number;
  failures: number;
  /** Why it has no answer yet. */
  error: PlexusError | undefined;
  /** Under way, or waiting for its retry. */
  busy: boolean;
  settled: boolean;
  settle(outcome: OkFrame | PlexusError): void;
}

export class Requests {
  readonly #settings: Settings;
  readonly #waiting = new Set<Waiting>();
  #link: Link | null = null;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Resolves with the answer, or rejects with the gateway's error or, past the deadline, the last one. */
  ask(question: Question): Promise<OkFrame> {
    const { clock, maxWaitingRequests, requestDeadlineMs } = this.#settings;
    if (this.#waiting.size >= maxWaitingRequests)
      return Promise.reject(new PlexusError("limit_reached", "too many questions wait for an answer"));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        question,
        deadlineAt: clock.now() + requestDeadlineMs,
        ...{ failures: 0, error: undefined, busy: false, settled: false },
        settle: (outcome) => {
          if (waiting.settled) return;
          waiting.settled = true;
          clock.clearTimeout(timer);
          this.#waiting.delete(waiting);
          if (outcome instanceof PlexusError) reject(outcome);
          else resolve(outcome);
        },
      };
      const timer = clock.setTimeout(() => {
        waiting.settle(waiting.error ?? new PlexusError("timeout", "no answer before the deadline"));
      }, requestDeadlineMs);
      this.#waiting.add(waiting);
      this.#send(waiting);
    });
  }

  attach(link: Link | null): void {
    this.#link = link;
    for (const waiting of [...this.#waiting]) this.#send(waiting);
  }

  stop(error: PlexusError): void {
    for (const waiting of [...this.#waiting]) waiting.settle(error);
  }

  #send(waiting: Waiting): void {
    if (this.#link === null || waiting.busy || waiting.settled) return;
    waiting.busy = true;
    this.#link.ask(waiting.question, {
      ok: (frame) => waiting.settle(frame),
      error: (error) => this.#failed(waiting, error),
    });
  }

  #failed(waiting: Waiting, error: PlexusError): void {
    const { clock, random } = this.#settings;
    if (!isRetryable(error)) return waiting.settle(error);
    waiting.error = error;
    // A lost connection needs no pause: there is none to ask until the next one is up.
    const isLost = error instanceof LinkLost;
    const delayMs = isLost ? 0 : retryDelay(waiting.failures++, error.retry, this.#settings, random);
    if (clock.now() + delayMs >= waiting.deadlineAt) return waiting.settle(error);
    clock.setTimeout(() => {
      waiting.busy = false;
      this.#send(waiting);
    }, delayMs);
  }
}
