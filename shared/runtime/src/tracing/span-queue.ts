import { Counter, Gauge } from "prom-client";
import type { Logger } from "../log.js";
import type { Span } from "./span.js";

/** Takes some spans; rejects where they did not arrive. */
export type ExportSpans = (spans: readonly Span[]) => Promise<void>;

const INTERVAL_MS = 1_000;
/** In one request: a few hundred kilobytes. */
const MAX_BATCH = 512;
/** A collector that is away is not written about with every batch. */
const WARN_INTERVAL_MS = 60_000;

const spans = new Counter({
  name: "plexus_trace_spans_total",
  help: "Spans by what became of them: exported, full (dropped since too many waited), failed (dropped since the collector did not take them)",
  labelNames: ["outcome"],
});
for (const outcome of ["exported", "full", "failed"]) spans.inc({ outcome }, 0);
const waiting = new Gauge({ name: "plexus_trace_spans_waiting", help: "Spans that wait for the collector" });

/** Spans on their way to the collector: bounded, one request at a time, and nobody ever waits for it. */
export class SpanQueue {
  readonly #most: number;
  readonly #export: ExportSpans;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #waiting: Span[] = [];
  #sending: Promise<void> | undefined;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(most: number, exportSpans: ExportSpans, log: Logger) {
    this.#most = most;
    this.#export = exportSpans;
    this.#log = log;
    this.#timer = setInterval(() => this.#send(), INTERVAL_MS);
    this.#timer.unref();
  }

  add(span: Span): void {
    if (this.#waiting.length >= this.#most) return spans.inc({ outcome: "full" });
    this.#waiting.push(span);
    if (this.#waiting.length >= MAX_BATCH) this.#send();
  }

  /** Sends what waits, within `deadlineMs`. */
  async stop(deadlineMs: number): Promise<void> {
    clearInterval(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([late, this.#sendAll()]).finally(() => clearTimeout(timer));
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 || this.#sending !== undefined) {
      this.#send();
      await this.#sending;
    }
  }

  #send(): void {
    waiting.set(this.#waiting.length);
    if (this.#sending !== undefined || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, MAX_BATCH);
    this.#sending = this.#export(batch).then(
      () => spans.inc({ outcome: "exported" }, batch.length),
      (error: unknown) => this.#failed(error, batch.length),
    );
    void this.#sending.then(() => {
      this.#sending = undefined;
      if (this.#waiting.length >= MAX_BATCH) this.#send();
    });
  }

  #failed(error: unknown, count: number): void {
    spans.inc({ outcome: "failed" }, count);
    const now = performance.now();
    if (now - this.#warnedAt < WARN_INTERVAL_MS) return;
    this.#warnedAt = now;
    this.#log.warn({ err: error, spans: count }, "the collector of traces took nothing");
  }
}
