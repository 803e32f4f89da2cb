import { subjects } from "@plexus/protocol";
import {
  type GatewayName,
  type GatewayStatus,
  gather,
  type Logger,
  type NatsConnection,
} from "@plexus/runtime";

const REFRESH_INTERVAL_MS = 2_000;
/** A gateway that did not answer for so long is gone. */
const FORGET_AFTER_MS = 8_000;

export interface Answers<T> {
  answers: T[];
  /** Ids of gateways that answered of late but not to this question. */
  missing: string[];
}

/**
 * Which gateways there are. They are asked now and then, so that a question to all of them need not wait once all
 * have answered, and an answer that lacks somebody's part can say so.
 */
export class GatewayRoster {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #known = new Map<string, { status: GatewayStatus; at: number }>();
  readonly #timer: NodeJS.Timeout;

  constructor(nats: NatsConnection, log: Logger) {
    this.#nats = nats;
    this.#log = log;
    const refresh = () =>
      this.statuses().catch((error: unknown) => log.debug({ err: error }, "gateways could not be asked"));
    void refresh();
    this.#timer = setInterval(() => void refresh(), REFRESH_INTERVAL_MS);
  }

  /** Asks all gateways how they are; waits for those who are known for 0.3 s, or for `waitMs`. */
  async statuses(waitMs?: number): Promise<Answers<GatewayStatus>> {
    const result = await this.ask<GatewayStatus>(subjects.gatewayStatus, {}, waitMs);
    const now = Date.now();
    for (const status of result.answers) this.#known.set(status.instance, { status, at: now });
    for (const [instance, { at }] of this.#known)
      if (now - at > FORGET_AFTER_MS) this.#known.delete(instance);
    result.answers.sort((a, b) => (a.id < b.id ? -1 : 1));
    return result;
  }

  /** Asks all gateways the same question. */
  async ask<T extends GatewayName>(subject: string, question: object, waitMs?: number): Promise<Answers<T>> {
    const answers = await gather<T>(this.#nats, subject, question, this.#log, {
      ...(waitMs === undefined ? {} : { waitMs }),
      enough: (heard) => this.#known.size > 0 && missingFrom(heard, this.#known.keys()).length === 0,
    });
    return { answers, missing: this.#missing(answers) };
  }

  /** Whether a gateway is known that is carrying out this drain, or has. */
  hasOperation(id: string): boolean {
    return [...this.#known.values()].some(({ status }) => status.operation === id);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A gateway that was started again is not missing under its former name. */
  #missing(answers: readonly GatewayName[]): string[] {
    const present = new Set(answers.map(({ id }) => id));
    const silent = missingFrom(answers, this.#known.keys())
      .map((instance) => this.#known.get(instance)!.status.id)
      .filter((id) => !present.has(id));
    return [...new Set(silent)].sort();
  }
}

function missingFrom(answers: readonly GatewayName[], instances: Iterable<string>): string[] {
  const heard = new Set(answers.map(({ instance }) => instance));
  return [...instances].filter((instance) => !heard.has(instance));
}
