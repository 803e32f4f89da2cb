/**
 * Questions to a log, and their answers on one inbox. The library's `request` makes two error objects with stack
 * traces, a timer and two promises for each, in case it should fail: several times the cost of asking.
 */
import { PlexusError } from "@plexus/protocol";
import {
  away,
  type Breaker,
  boundReached,
  isNoResponders,
  type Logger,
  type Msg,
  measureQueue,
  type NatsConnection,
  onReconnect,
  subscribe,
} from "@plexus/runtime";

import * as metrics from "./metrics.js";

const SWEEP_MS = 100;
/** About what a log answers within the deadline; more would only wait in vain. */
const MAX_WAITING = 16_384;
/** That bound, in metrics. */
const QUEUE = "log_questions";

interface Waiting {
  readonly subject: string;
  readonly body: string;
  readonly resolve: (answer: Msg) => void;
  readonly reject: (error: PlexusError) => void;
  deadlineAt: number;
}

export class Questions {
  readonly #nats: NatsConnection;
  readonly #deadlineMs: number;
  readonly #inbox: string;
  readonly #breaker: Breaker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  readonly #sweep: NodeJS.Timeout;
  readonly #unmeasure: () => void;

  /** @param inbox a subject of its own; answers come one token below it */
  constructor(context: {
    nats: NatsConnection;
    inbox: string;
    deadlineMs: number;
    breaker: Breaker;
    log: Logger;
  }) {
    this.#nats = context.nats;
    this.#breaker = context.breaker;
    this.#deadlineMs = context.deadlineMs;
    this.#inbox = context.inbox;
    subscribe(this.#nats, `${this.#inbox}.*`, context.log, (message) => this.#onAnswer(message));
    this.#unmeasure = measureQueue(QUEUE, MAX_WAITING, () => this.#waiting.size);
    this.#sweep = setInterval(() => this.#onSweep(performance.now()), SWEEP_MS);
    onReconnect(this.#nats, () => this.#askAgain());
  }

  /**
   * Rejects with `unavailable` if nobody is there or no answer comes within the deadline; at once if that was so the
   * last times.
   */
  ask(subject: string, body: object): Promise<Msg> {
    if (this.#waiting.size >= MAX_WAITING) {
      boundReached.inc({ bound: QUEUE });
      return Promise.reject(new PlexusError("unavailable", "the log is too busy", { retry: 1_000 }));
    }
    if (!this.#breaker.tryPass(performance.now())) return Promise.reject(away("the log"));
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { subject, body: JSON.stringify(body), resolve, reject, deadlineAt: 0 });
      this.#send(id);
    });
  }

  stop(): void {
    clearInterval(this.#sweep);
    this.#unmeasure();
    for (const id of [...this.#waiting.keys()]) this.#fail(id, "this process is stopping");
  }

  /** They were lost with the connection; all of them may be asked twice. */
  #askAgain(): void {
    for (const id of [...this.#waiting.keys()]) this.#send(id);
  }

  #send(id: number): void {
    const waiting = this.#waiting.get(id)!;
    waiting.deadlineAt = performance.now() + this.#deadlineMs;
    try {
      this.#nats.publish(waiting.subject, waiting.body, { reply: `${this.#inbox}.${id}` });
    } catch (cause) {
      this.#fail(id, cause);
    }
  }

  #onAnswer(message: Msg): void {
    const id = Number(message.subject.slice(message.subject.lastIndexOf(".") + 1));
    if (isNoResponders(message)) return this.#unanswered(id, "nobody is there");
    this.#breaker.succeeded();
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined) return;
    const sentAt = waiting.deadlineAt - this.#deadlineMs;
    metrics.questionSeconds.add((performance.now() - sentAt) / 1_000);
    waiting.resolve(message);
  }

  #onSweep(now: number): void {
    // In order of deadline, since all questions have the same.
    for (const [id, { deadlineAt }] of this.#waiting) {
      if (deadlineAt > now) break;
      this.#unanswered(id, "no answer in time");
    }
  }

  #unanswered(id: number, cause: string): void {
    this.#breaker.failed(performance.now());
    this.#fail(id, cause);
  }

  #fail(id: number, cause: unknown): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.reject(new PlexusError("unavailable", "the log does not answer", { retry: 1_000, cause }));
  }
}
