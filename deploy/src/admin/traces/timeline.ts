/**
 * From the spans of one message to its way, on one clock: that of the process which took it from its sender.
 *
 * What that process did itself is exact. A worker's clock is another one, but what it did lies between the sending of the
 * command and its answer: put in the middle, it is wrong by half of what is left over at most (as NTP does it). Of
 * other gateways nothing is known but what their clocks say.
 */
import type { Span } from "@plexus/runtime";

export type HopStage =
  | "received"
  | "sent"
  | "arrived"
  | "taken"
  | "stored"
  | "seen"
  | "handed"
  | "answered"
  | "failed";

export interface Hop {
  stage: HopStage;
  /** The process, as in g1. */
  process: string;
  /** Milliseconds since the message was received. */
  at: number;
  /** How exact that is: `exact`, `within` so many milliseconds, or by another machine's `clock`. */
  by: "exact" | "within" | "clock";
  within?: number;
  /** Milliseconds since the hop before it in the same process: always exact. */
  took?: number;
  /** Messages in the record. */
  messages?: number;
  /** Sockets that it was handed to. */
  receivers?: number;
  error?: string;
}

export interface MessageTrace {
  trace: string;
  by: "client" | "bot" | "api";
  /** Where it was stored; null where it was not. */
  epoch: string | null;
  seq: number | null;
  dup: boolean;
  error: string | null;
  /** When it was received, milliseconds since 1970. */
  receivedAt: number;
  /** In the order in which they happened. */
  hops: Hop[];
}

interface Clock {
  readonly by: Hop["by"];
  readonly within?: number;
  /** To be added to what the process's clock says. */
  readonly shift: number;
}

const EXACT: Clock = { by: "exact", shift: 0 };
const OTHER: Clock = { by: "clock", shift: 0 };

/** @param spans those of the message, among others of the channel */
export function timelineOf(publish: Span, spans: readonly Span[]): MessageTrace {
  const { facts } = publish;
  const own = spans.filter(({ parent, trace }) => parent === publish.span && trace === publish.trace);
  const lane = own.find(({ stage }) => stage === "lane");
  const mailboxes = own.filter(({ stage }) => stage === "mailbox");
  const appends = spans.filter(
    ({ stage, links }) => stage === "append" && links.some(({ span }) => span === publish.span),
  );
  const fanOuts = spans.filter(
    ({ stage, parent }) => stage === "fan_out" && appends.some(({ span }) => span === parent),
  );
  const clockOf = (process: string): Clock => {
    if (process === publish.process) return EXACT;
    const there = [...mailboxes, ...appends].filter((span) => span.process === process);
    return there.length === 0 ? OTHER : between(publish, lane, there);
  };
  const hops = [
    hop(publish, 0, "received", EXACT),
    ...(lane === undefined ? [] : [hop(lane, lane.ms, "sent", EXACT)]),
    ...mailboxes.flatMap((span) => {
      const clock = clockOf(span.process);
      return [hop(span, 0, "arrived", clock), hop(span, span.ms, "taken", clock)];
    }),
    ...appends.map((span) => {
      const stage = span.facts.error === undefined ? "stored" : "failed";
      return hop(span, span.ms, stage, clockOf(span.process));
    }),
    ...fanOuts.flatMap((span) => {
      const clock = clockOf(span.process);
      return [hop(span, 0, "seen", clock), hop(span, span.ms, "handed", clock)];
    }),
    hop(publish, publish.ms, facts.error === undefined ? "answered" : "failed", EXACT),
  ];
  for (const each of hops) each.at -= publish.at;
  const { trace, at: receivedAt } = publish;
  const { by = "client", epoch = null, seq = null, dup = false, error = null } = facts;
  const inOrder = hops.sort((a, b) => a.at - b.at);
  return { trace, by, epoch, seq, dup, error, receivedAt, hops: inOrder };
}

/** Where a worker's clock stands, from what lies between the sending to it and its answer. */
function between(publish: Span, lane: Span | undefined, there: readonly Span[]): Clock {
  const sentAt = lane === undefined ? publish.at : lane.at + lane.ms;
  const answeredAt = publish.at + publish.ms;
  const from = Math.min(...there.map(({ at }) => at));
  const to = Math.max(...there.map(({ at, ms }) => at + ms));
  const left = answeredAt - sentAt - (to - from);
  // A command that was repeated is no measure.
  if (left < 0) return OTHER;
  return { by: "within", within: left / 2, shift: sentAt + left / 2 - from };
}

/** A moment of a span, `into` milliseconds after it began. */
function hop({ process, at, facts }: Span, into: number, stage: HopStage, clock: Clock): Hop {
  const { by, within, shift } = clock;
  const { messages, receivers, error } = facts;
  const shown = stage === "stored" || stage === "seen" ? { messages } : {};
  return {
    stage,
    process,
    at: at + into + shift,
    by,
    ...(within === undefined ? {} : { within }),
    ...(into === 0 ? {} : { took: into }),
    ...(shown.messages === undefined ? {} : { messages: shown.messages }),
    ...(stage === "handed" && receivers !== undefined ? { receivers } : {}),
    ...(stage === "failed" && error !== undefined ? { error } : {}),
  };
}
