import { channelKey, parseTraceparent, splitChannelKey, type TraceContext } from "@plexus/protocol";
import { Counter, Gauge } from "prom-client";
import type { Logger } from "../log.js";
import { PublishTrace } from "./publish-trace.js";
import { Sampler, type SamplingOptions } from "./sampling.js";
import { type TraceOrder, TraceSessions } from "./sessions.js";
import { type Ended, newContext, type Span, type SpanFacts } from "./span.js";
import { WallClock } from "./wall-clock.js";

/** What a process says of a message to whoever follows the channel. */
export interface TraceReport {
  readonly span: Span;
  /** Messages of the channel that were not followed here since the report before: too many at once. */
  readonly passed: number;
}

export interface TracerContext {
  /** This process, as in g1. */
  readonly process: string;
  /** Null where nothing is exported. */
  readonly exporter: { add(span: Span): void } | null;
  readonly sampling: SamplingOptions;
  /** Tells those who follow the channel. */
  report(report: TraceReport): void;
  readonly log: Logger;
}

const refused = new Counter({
  name: "plexus_traces_refused_total",
  help: "Publishes whose sender asked for a trace and got none, since too many asked",
});
const sessions = new Gauge({
  name: "plexus_trace_sessions",
  help: "Channels whose messages somebody follows at the moment",
});

/**
 * Decides which messages are traced here, and takes in what their stages say. One that is traced carries its context on:
 * whoever gets a context records its own stage, without another decision.
 */
export class Tracer {
  readonly #context: TracerContext;
  readonly #sessions = new TraceSessions();
  readonly #sampler: Sampler;
  readonly #clock = new WallClock();
  #active: boolean;

  constructor(context: TracerContext) {
    this.#context = context;
    this.#sampler = new Sampler(context.sampling, performance.now());
    this.#active = context.exporter !== null;
  }

  /** Whether anything may have to be traced: the one question that busy paths ask while nothing is. */
  get active(): boolean {
    return this.#active;
  }

  /** A publish came in. Undefined where it is not traced. */
  begin(
    tenant: string,
    channel: string,
    given: string | undefined,
    by: NonNullable<SpanFacts["by"]>,
  ): PublishTrace | undefined {
    if (!this.#active) return undefined;
    const now = performance.now();
    const key = channelKey(tenant, channel);
    const parent = given === undefined ? null : parseTraceparent(given);
    const sampled = this.#samples(parent, now);
    const follows = this.#sessions.follow(key, now);
    if (!sampled && !follows) return undefined;
    return new PublishTrace(this, { key, context: newContext(parent, sampled), parent, by, from: now });
  }

  /** The context that something carries, where this process would have something to say of it. */
  carried(key: string, traceparent: () => string | undefined): TraceContext | null {
    if (!this.#active || (this.#context.exporter === null && !this.#sessions.has(key))) return null;
    return parseTraceparent(traceparent());
  }

  /** A stage of a traced message is over. */
  ended(key: string, { stage, context, parent, links = [], from, to, facts = {} }: Ended): void {
    const { process, exporter, report } = this.#context;
    const { trace, span: id, sampled } = context;
    const { tenant, channel } = splitChannelKey(key);
    const [at, ms] = [this.#clock.at(from), to - from];
    const span: Span = {
      trace,
      span: id,
      sampled,
      stage,
      parent,
      links,
      tenant,
      channel,
      process,
      at,
      ms,
      facts,
    };
    if (sampled) exporter?.add(span);
    const passed = this.#sessions.size === 0 ? null : this.#sessions.report(key, performance.now());
    if (passed !== null) report({ span, passed });
    this.#say(span);
  }

  #say({ trace, stage, ms, tenant, channel, facts }: Span): void {
    const { log } = this.#context;
    const failed = stage === "publish" && facts.error !== undefined;
    if (!failed && !log.isLevelEnabled("debug")) return;
    const line = { trace, stage, ms, tenant, channel, ...facts };
    if (failed) log.info(line, "a traced publish failed");
    else log.debug(line, "traced");
  }

  /** Somebody follows a channel, or still does. */
  ordered({ tenant, channel }: TraceOrder): void {
    this.#sessions.heard(channelKey(tenant, channel), performance.now());
    this.#weigh();
  }

  /** To be called about every second. */
  expire(): void {
    this.#clock.check();
    this.#sessions.expire(performance.now());
    this.#weigh();
  }

  #weigh(): void {
    this.#active = this.#context.exporter !== null || this.#sessions.size > 0;
    sessions.set(this.#sessions.size);
  }

  #samples(parent: TraceContext | null, now: number): boolean {
    if (this.#context.exporter === null) return false;
    const decision = this.#sampler.decide(parent, Math.random(), now);
    if (decision === "refused") refused.inc();
    return decision === "yes";
  }
}
