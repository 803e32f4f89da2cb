/** Many records of a log in one go: an ephemeral JetStream consumer that is pulled, and removed when it is done. */
import { PlexusError } from "@plexus/protocol";
import { type Logger, type Msg, type NatsConnection, subscribe } from "@plexus/runtime";
import type { Questions } from "./questions.js";

/** The server removes a consumer that nobody pulls any more. */
const ABANDONED_AFTER_NS = 5_000_000_000;

export interface CursorContext {
  readonly nats: NatsConnection;
  readonly questions: Questions;
  /** The beginning of the API's subjects: `$JS.API`, or that of a domain. */
  readonly api: string;
  readonly stream: string;
  /** Of this process; a cursor makes one of its own from it. */
  readonly inbox: string;
  /** Until the first record that was pulled, and from each to the next. */
  readonly deadlineMs: number;
  readonly log: Logger;
}

export class LogCursor {
  readonly #context: CursorContext;
  readonly #name: string;
  /** Records that it had to give when it was made. */
  readonly pending: number;

  private constructor(context: CursorContext, name: string, pending: number) {
    this.#context = context;
    this.#name = name;
    this.pending = pending;
  }

  /** @param config where it begins and what it passes over, as JetStream's consumer configuration has it */
  static async open(context: CursorContext, config: object): Promise<LogCursor> {
    const { questions, api, stream } = context;
    const answer = await questions.ask(`${api}.CONSUMER.CREATE.${stream}`, {
      stream_name: stream,
      config: {
        ...config,
        ack_policy: "none",
        replay_policy: "instant",
        inactive_threshold: ABANDONED_AFTER_NS,
        mem_storage: true,
        num_replicas: 1,
      },
    });
    const { name, num_pending, error } = answer.json<{
      name: string;
      num_pending: number;
      error?: { description: string };
    }>();
    if (error !== undefined)
      throw new PlexusError("unavailable", `the log refused: ${error.description}`, { retry: 1_000 });
    return new LogCursor(context, name, num_pending);
  }

  close(): void {
    const { nats, api, stream } = this.#context;
    nats.publish(`${api}.CONSUMER.DELETE.${stream}.${this.#name}`);
  }

  /**
   * Pulls up to `count` records and gives each to `take`, until that returns false; what is still on its way then is
   * dropped.
   */
  pull(count: number, take: (message: Msg) => boolean): Promise<void> {
    const { nats, api, stream, inbox: prefix, deadlineMs, log } = this.#context;
    return new Promise((resolve, reject) => {
      const inbox = `${prefix}-${this.#name}`;
      let got = 0;
      const finish = (cause?: unknown) => {
        clearTimeout(timer);
        subscription.unsubscribe();
        if (cause === undefined) resolve();
        else reject(new PlexusError("unavailable", "the log does not answer", { retry: 1_000, cause }));
      };
      // From record to record: a server that is short of time still gives one after the other, and to begin anew with all
      // of them would take what little it has.
      const timer = setTimeout(() => finish(new Error("deadline")), deadlineMs);
      const subscription = subscribe(nats, inbox, log, (message) => {
        if (message.headers?.code)
          return finish(got > 0 ? undefined : new Error(message.headers.description));
        got++;
        timer.refresh();
        if (!take(message) || got === count) finish();
      });
      const question = JSON.stringify({ batch: count, no_wait: true });
      nats.publish(`${api}.CONSUMER.MSG.NEXT.${stream}.${this.#name}`, question, { reply: inbox });
    });
  }
}

/** What JetStream says about a pulled record in its reply subject. */
export interface Place {
  readonly logSeq: number;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
  /** Records that the cursor has yet to give. */
  readonly pending: number;
}

/** `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<logSeq>.<seq>.<storedAtNs>.<pending>[.<token>]` */
export function placeOf({ reply }: Msg): Place {
  const tokens = reply!.split(".");
  const [logSeq, , storedAtNs, pending] = tokens.slice(tokens.length > 9 ? 7 : 5).map(Number);
  return { logSeq: logSeq!, storedAt: Math.floor(storedAtNs! / 1e6), pending: pending! };
}
