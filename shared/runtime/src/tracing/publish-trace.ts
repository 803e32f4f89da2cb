import { formatTraceparent, type TraceContext } from "@plexus/protocol";
import { type Ended, newContext, type SpanFacts } from "./span.js";

/** Where stages go when they are over: the tracer. */
export interface TakesSpans {
  ended(key: string, stage: Ended): void;
}

export interface TracedPublish {
  readonly key: string;
  readonly context: TraceContext;
  /** The sender's span. */
  readonly parent: TraceContext | null;
  readonly by: NonNullable<SpanFacts["by"]>;
  /** When it came in, by `performance.now()`. */
  readonly from: number;
}

/** A publish that is traced, in the process that took it from its sender. */
export class PublishTrace {
  readonly #tracer: TakesSpans;
  readonly #publish: TracedPublish;
  #sent = false;

  constructor(tracer: TakesSpans, publish: TracedPublish) {
    this.#tracer = tracer;
    this.#publish = publish;
  }

  /** What the actor's worker is told. */
  get traceparent(): string {
    return formatTraceparent(this.#publish.context);
  }

  /** In log lines. */
  get id(): string {
    return this.#publish.context.trace;
  }

  /** On its way to the actor. */
  sent(now: number): void {
    if (this.#sent) return;
    this.#sent = true;
    const { key, context, from } = this.#publish;
    const own = newContext(context, context.sampled);
    this.#tracer.ended(key, { stage: "lane", context: own, parent: context.span, from, to: now });
  }

  stored(epoch: string, seq: number, dup: boolean, now: number): void {
    this.#end(now, { epoch, seq, ...(dup ? { dup } : {}) });
  }

  failed(error: string, now: number): void {
    this.#end(now, { error });
  }

  #end(to: number, facts: SpanFacts): void {
    const { key, context, parent, by, from } = this.#publish;
    const span = { stage: "publish" as const, context, parent: parent?.span ?? null };
    this.#tracer.ended(key, { ...span, from, to, facts: { by, ...facts } });
  }
}
