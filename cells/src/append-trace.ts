import { formatTraceparent, parseTraceparent, type TraceContext } from "@plexus/protocol";
import { newContext, publishedAt, type SpanLink, type Tracer } from "@plexus/runtime";
import type { Asker } from "./asker.js";
import type { TakenBatch } from "./channel-types.js";
import type { AppendOutcome } from "./log.js";

type Traces = Pick<Tracer, "ended">;

/** A span with more links than that is cut by collectors. */
const MAX_LINKS = 128;

/** A traced message that is new, and goes into the record. */
interface Message {
  readonly context: TraceContext;
  /** When it came in, by `performance.now()`. */
  readonly at: number;
}

/**
 * The trace of one append. A record holds the messages of many publishers, so its span is in the trace of the first one
 * that is traced, has links to all of them, and is what gateways continue.
 */
export class AppendTrace {
  readonly #tracer: Traces;
  readonly #key: string;
  readonly #messages: readonly Message[];
  readonly #context: TraceContext;
  readonly #from: number;
  readonly #record: { seq: number; messages: number };

  private constructor(
    tracer: Traces,
    key: string,
    messages: readonly Message[],
    from: number,
    record: { seq: number; messages: number },
  ) {
    this.#tracer = tracer;
    this.#key = key;
    this.#messages = messages;
    this.#from = from;
    this.#record = record;
    const sampled = messages.some(({ context }) => context.sampled);
    const first = messages.find(({ context }) => context.sampled === sampled)!;
    this.#context = newContext(first.context, sampled);
  }

  /** Of what is taken for a record now; undefined where none of the messages is traced. */
  static of(
    tracer: Traces,
    key: string,
    taken: readonly TakenBatch<Asker>[],
    now: number,
  ): AppendTrace | undefined {
    let messages: Message[] | undefined;
    for (const { to, messages: n, answer } of taken) {
      if (to.traces === undefined) continue;
      messages ??= [];
      for (const [index, traceparent] of to.traces) {
        const context = parseTraceparent(traceparent);
        if (context !== null && index < n && !publishedAt(answer, index)[2])
          messages.push({ context, at: to.at });
      }
    }
    if (messages === undefined || messages.length === 0) return undefined;
    const trace = new AppendTrace(tracer, key, messages, now, recordOf(taken));
    trace.#tellMailbox();
    return trace;
  }

  /** Goes with the record. */
  get traceparent(): string {
    return formatTraceparent(this.#context);
  }

  /** In log lines. */
  get id(): string {
    return this.#context.trace;
  }

  ended(outcome: AppendOutcome, now: number): void {
    const links = this.#messages.slice(0, MAX_LINKS).map(({ context }) => link(context));
    const facts = outcome.stored ? this.#record : { ...this.#record, error: outcome.why };
    const parent = this.#messages.find(({ context }) => context.trace === this.#context.trace)!.context.span;
    const span = { stage: "append" as const, context: this.#context, parent, links };
    this.#tracer.ended(this.#key, { ...span, from: this.#from, to: now, facts });
  }

  /** How long each waited, with a link to the append that took it. */
  #tellMailbox(): void {
    for (const { context: caused, at: from } of this.#messages) {
      const context = newContext(caused, caused.sampled);
      const links = [link(this.#context)];
      const span = { stage: "mailbox" as const, context, parent: caused.span, links };
      this.#tracer.ended(this.#key, { ...span, from, to: this.#from });
    }
  }
}

function link({ trace, span }: TraceContext): SpanLink {
  return { trace, span };
}

/** The first seq of the messages that are new, and how many these are. */
function recordOf(taken: readonly TakenBatch<Asker>[]): { seq: number; messages: number } {
  let seq = Number.POSITIVE_INFINITY;
  let messages = 0;
  for (const batch of taken)
    for (let i = 0; i < batch.messages; i++) {
      const [at, , dup] = publishedAt(batch.answer, i);
      if (dup) continue;
      seq = Math.min(seq, at);
      messages++;
    }
  return { seq, messages };
}
