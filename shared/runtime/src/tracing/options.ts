import { z } from "zod";
import { option } from "../config.js";
import { integer } from "../options.js";

/** Of processes that messages pass. */
export const tracingOptions = {
  traceEndpoint: option<string | undefined>({
    env: "OTEL_EXPORTER_OTLP_ENDPOINT",
    type: z.url({ protocol: /^https?$/ }).optional(),
    default: undefined,
    doc: "Address of an OpenTelemetry collector that takes OTLP over HTTP, as in http://127.0.0.1:4318; without one nothing is traced for it. The exporter's other variables (OTEL_EXPORTER_OTLP_HEADERS, …) count as well.",
  }),
  traceRatio: option({
    env: "PLEXUS_TRACE_RATIO",
    type: z.coerce.number().min(0).max(1),
    default: 0,
    doc: "Share of publishes without a trace of their own that are traced, from 0 to 1; each costs several times what it costs untraced.",
  }),
  traceMaxPerS: option({
    env: "PLEXUS_TRACE_MAX_PER_S",
    type: integer(0, 100_000),
    default: 50,
    doc: "Publishes per second whose senders ask for a trace that get one in this process; beyond it they are published untraced, so that clients can't make everything dear.",
  }),
  traceQueue: option({
    env: "PLEXUS_TRACE_QUEUE",
    type: integer(64, 1_000_000),
    default: 4_096,
    doc: "Spans that wait for the collector, a few hundred bytes each; beyond it the newest are dropped and counted.",
  }),
};
