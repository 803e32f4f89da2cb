/** Gathers what the processes say of a channel's messages until nothing more of one is to come; pure. */
import type { Span } from "@plexus/runtime";
import { type MessageTrace, timelineOf } from "./timeline.js";

/** After the answer to its publisher a message is still handed out at other gateways. */
export const SETTLE_MS = 400;
/** A message that has no answer by then never gets one. */
const KEEP_MS = 15_000;
/** A few hundred bytes each. */
const MAX_SPANS = 4_000;

export class TraceCollector {
  #spans: Array<{ span: Span; at: number }> = [];
  #answered: Array<{ publish: Span; at: number }> = [];

  add(span: Span, now: number): void {
    if (this.#spans.length >= MAX_SPANS) this.#spans.shift();
    this.#spans.push({ span, at: now });
    if (span.stage === "publish") this.#answered.push({ publish: span, at: now });
  }

  /** The messages that are through, oldest first. */
  take(now: number): MessageTrace[] {
    const spans = this.#spans.map(({ span }) => span);
    const through = this.#answered.filter(({ at }) => now - at >= SETTLE_MS);
    this.#answered = this.#answered.filter(({ at }) => now - at < SETTLE_MS);
    this.#spans = this.#spans.filter(({ at }) => now - at < KEEP_MS);
    return through
      .map(({ publish }) => timelineOf(publish, spans))
      .sort((a, b) => a.receivedAt - b.receivedAt);
  }
}
