/**
 * The context of a trace, as W3C Trace Context writes it down in `traceparent`:
 *
 *   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *   version, trace, span that caused what follows, flags
 */
export interface TraceContext {
  /** 32 hexadecimal digits, not all of them 0. */
  readonly trace: string;
  /** 16 of them: the span that caused what follows. */
  readonly span: string;
  /** Whoever made the context records it, and asks the others to. */
  readonly sampled: boolean;
}

/** The field of frames is `trace`; the header of NATS messages and of HTTP requests has the standard's name. */
export const TRACE_HEADER = "traceparent";

/** A later version may be longer; it is read as this one as far as this one goes. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const LENGTH = 55;
const MAX_LENGTH = 256;
const SAMPLED = 1;

/**
 * Reads a `traceparent`; null where it is none. Whoever gets null goes on as if there were none: what is only there to be
 * watched must not stop what it watches.
 */
export function parseTraceparent(text: unknown): TraceContext | null {
  if (typeof text !== "string" || text.length < LENGTH || text.length > MAX_LENGTH) return null;
  const match = TRACEPARENT.exec(text);
  if (match === null) return null;
  const [, version, trace, span, flags, rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (/^0+$/.test(trace!) || /^0+$/.test(span!)) return null;
  return { trace: trace!, span: span!, sampled: (Number.parseInt(flags!, 16) & SAMPLED) !== 0 };
}

export function formatTraceparent({ trace, span, sampled }: TraceContext): string {
  return `00-${trace}-${span}-${sampled ? "01" : "00"}`;
}
