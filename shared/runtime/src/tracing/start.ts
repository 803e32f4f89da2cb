import { subjects } from "@plexus/protocol";
import type { Options } from "../config.js";
import type { Logger } from "../log.js";
import { type NatsConnection, settledSoon, subscribe } from "../nats.js";
import type { tracingOptions } from "./options.js";
import { type ExportingProcess, openOtlpExporter } from "./otlp.js";
import { TRACE_ORDER_INTERVAL_MS, type TraceOrder } from "./sessions.js";
import { SpanQueue } from "./span-queue.js";
import { type TraceReport, Tracer } from "./tracer.js";

/** What waits for the collector when a process stops gets so long. */
const STOP_DEADLINE_MS = 2_000;

export interface Tracing {
  readonly tracer: Tracer;
  stop(): Promise<void>;
}

/** The tracer of a process that messages pass: it exports where a collector is named, and hears who follows channels. */
export async function startTracing(context: {
  nats: NatsConnection;
  options: Options<typeof tracingOptions>;
  process: ExportingProcess;
  log: Logger;
}): Promise<Tracing> {
  const { nats, options, process, log } = context;
  const { traceEndpoint, traceRatio: ratio, traceMaxPerS: maxPerS, traceQueue } = options;
  const otlp = traceEndpoint === undefined ? null : await openOtlpExporter(traceEndpoint, process);
  const queue = otlp === null ? null : new SpanQueue(traceQueue, otlp.export, log);
  const report = (what: TraceReport) =>
    nats.publish(subjects.traceReports(what.span.tenant, what.span.channel), JSON.stringify(what));
  const sampling = { ratio, maxPerS };
  const tracer = new Tracer({ process: process.id, exporter: queue, sampling, report, log });
  const orders = subscribe(nats, subjects.orderTraces, log, (message) =>
    tracer.ordered(message.json<TraceOrder>()),
  );
  const timer = setInterval(() => tracer.expire(), TRACE_ORDER_INTERVAL_MS);
  timer.unref();
  return {
    tracer,
    stop: async () => {
      clearInterval(timer);
      orders.unsubscribe();
      const sent = async () => {
        await queue?.stop(STOP_DEADLINE_MS);
        await otlp?.stop().catch((error: unknown) => log.debug({ err: error }, "the exporter did not stop"));
      };
      // The exporter itself waits for what is under way until its own time is over, which is far longer.
      await settledSoon(sent(), STOP_DEADLINE_MS);
    },
  };
}
