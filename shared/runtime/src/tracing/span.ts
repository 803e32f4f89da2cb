/**
 * What one process did for one message, and how long it took. The names are the stages of a message's way:
 *
 *   publish   at a gateway (or where a bot or the admin API is served), from its receipt to its answer
 *   lane      there, from its receipt until it is sent to the actor: behind the batch before it
 *   mailbox   in the worker, from its coming in until the actor takes it for a record
 *   append    the record's way into the log and the log's answer; one for all the messages in it
 *   fan_out   at each gateway with subscribers, from the record's coming in until the sockets have it
 */
import { randomBytes } from "node:crypto";
import type { TraceContext } from "@plexus/protocol";

export type Stage = "publish" | "lane" | "mailbox" | "append" | "fan_out";

export interface SpanLink {
  readonly trace: string;
  readonly span: string;
}

export interface Span extends TraceContext {
  readonly stage: Stage;
  /** The span that caused it; null where it begins the trace. */
  readonly parent: string | null;
  /** Others that it belongs to: an append serves several messages, whose mailbox spans name it. */
  readonly links: readonly SpanLink[];
  readonly tenant: string;
  readonly channel: string;
  /** The process, as in g1. */
  readonly process: string;
  /** When it began by the wall clock of that process's machine, milliseconds since 1970 with fractions. */
  readonly at: number;
  /** Milliseconds by its monotonic clock. */
  readonly ms: number;
  readonly facts: SpanFacts;
}

/** What is said of a stage beside its times: never what a message holds. */
export interface SpanFacts {
  /** Who published. */
  readonly by?: "client" | "bot" | "api";
  readonly epoch?: string;
  /** Of the message, or the first one of a record. */
  readonly seq?: number;
  readonly dup?: boolean;
  /** Messages in the record. */
  readonly messages?: number;
  /** Sockets that it was handed to. */
  readonly receivers?: number;
  /** The error's code, where it failed. */
  readonly error?: string;
}

/** A stage that is over. */
export interface Ended {
  readonly stage: Stage;
  readonly context: TraceContext;
  readonly parent: string | null;
  readonly links?: readonly SpanLink[];
  /** By `performance.now()`. */
  readonly from: number;
  readonly to: number;
  readonly facts?: SpanFacts;
}

/** A trace of its own, or a span in that of `parent`. */
export function newContext(parent: TraceContext | null, sampled: boolean): TraceContext {
  return { trace: parent?.trace ?? hexDigits(32), span: hexDigits(16), sampled };
}

/** Randomness is asked for in pages: each question to the system costs more than all else about a span. */
const PAGE_BYTES = 4_096;
let page = "";
let used = 0;

function hexDigits(count: number): string {
  if (used + count > page.length) {
    page = randomBytes(PAGE_BYTES).toString("hex");
    used = 0;
  }
  used += count;
  return page.slice(used - count, used);
}
