import { setTimeout as pause } from "node:timers/promises";
import {
  type BotAnswer,
  type BotOperation,
  ERRORS,
  isErrorCode,
  PlexusError,
  subjects,
  TRACE_HEADER,
} from "@plexus/protocol";
import { headers, type NatsConnection, type RequestOptions } from "nats";

/** A worker that does not answer by then may have died; another one gets the repetition. */
const ATTEMPT_MS = 3_000;
/** Longer than a publish waits for a channel that is moving. */
const DEADLINE_MS = 20_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

export interface AskOptions {
  /** Milliseconds after which it fails with `timeout` or `unavailable`. */
  deadlineMs?: number | undefined;
  /** Do it once or not at all: what is asked is not harmless to repeat. */
  once?: boolean;
  /** Aborted, it is not repeated any more; what was sent is waited for. */
  signal?: AbortSignal | undefined;
  /** A `traceparent`, for the header. */
  trace?: string | undefined;
}

/** Asks workers, and repeats what got no answer or may succeed later. */
export class Requests {
  readonly #nats: NatsConnection;
  readonly #tenant: string;
  readonly #bot: string;
  /** What ends everything that waits for an answer. */
  readonly #ends = new Set<(error: PlexusError) => void>();
  #over: PlexusError | undefined;

  constructor(nats: NatsConnection, tenant: string, bot: string) {
    this.#nats = nats;
    this.#tenant = tenant;
    this.#bot = bot;
  }

  /** Nothing is waited for any more: all that has no answer rejects with this, and so does what is asked from now on. */
  end(error: PlexusError): void {
    this.#over ??= error;
    for (const end of this.#ends) end(this.#over);
  }

  /** The fields of an answer that is `ok`. Rejects with a {@link PlexusError}. */
  ask<T>(operation: BotOperation, channel: string, body: object, options: AskOptions = {}): Promise<T> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    return new Promise<T>((resolve, reject) => {
      this.#ends.add(reject);
      this.#ask<T>(operation, channel, body, options)
        .then(resolve, reject)
        .finally(() => this.#ends.delete(reject));
    });
  }

  async #ask<T>(
    operation: BotOperation,
    channel: string,
    body: object,
    { deadlineMs = DEADLINE_MS, once = false, signal, trace }: AskOptions,
  ): Promise<T> {
    const subject = subjects.botRequest(this.#tenant, this.#bot, operation, channel);
    const payload = JSON.stringify(body);
    const deadlineAt = performance.now() + deadlineMs;
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(2 * waitMs, MAX_RETRY_MS)) {
      signal?.throwIfAborted();
      const leftMs = Math.max(1, deadlineAt - performance.now());
      const timeout = once ? leftMs : Math.min(leftMs, ATTEMPT_MS);
      const answer = await this.#attempt(subject, payload, { timeout, ...headersOf(trace) });
      if (answer.ok) return answer as T;
      const { code, message, retry = waitMs } = answer.error;
      const pauseMs = Math.max(retry, 1) * (0.5 + Math.random());
      if (once || this.#over || !isRetryable(code) || performance.now() + pauseMs > deadlineAt)
        throw new PlexusError(code, message);
      await pause(pauseMs, undefined, { signal });
    }
  }

  async #attempt(subject: string, payload: string, options: RequestOptions): Promise<BotAnswer> {
    try {
      return (await this.#nats.request(subject, payload, options)).json<BotAnswer>();
    } catch (error) {
      if (this.#nats.isClosed()) throw new PlexusError("unavailable", "the bot is closed", { cause: error });
      const { name, message } = error as Error;
      if (/permissions violation/i.test(message))
        throw new PlexusError("forbidden", "the bot's credentials do not allow this", { cause: error });
      const code = name === "TimeoutError" ? "timeout" : "unavailable";
      return { ok: false, error: { code, message: code === "timeout" ? "no answer in time" : message } };
    }
  }
}

function headersOf(trace: string | undefined): Pick<RequestOptions, "headers"> {
  if (trace === undefined) return {};
  const own = headers();
  own.set(TRACE_HEADER, trace);
  return { headers: own };
}

/** A later version may know codes that this one does not. */
export function isRetryable(code: string): boolean {
  return isErrorCode(code) && ERRORS[code].retryable;
}
