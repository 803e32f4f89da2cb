/**
 * Spans to an OpenTelemetry collector, over HTTP. The library is loaded when it is needed: a process that traces nothing
 * neither waits for it nor keeps it in memory.
 */
import type { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import type { Span, SpanFacts, Stage } from "./span.js";
import type { ExportSpans } from "./span-queue.js";

type ReadableSpan = Parameters<OTLPTraceExporter["export"]>[0][number];
type Attributes = ReadableSpan["attributes"];

/** The whole of one request with its repetitions. */
const EXPORT_TIMEOUT_MS = 10_000;

/** As OpenTelemetry numbers them: 0 internal, 1 server, 3 producer, 4 consumer. */
const KIND: Record<Stage, number> = { publish: 1, lane: 0, mailbox: 0, append: 3, fan_out: 4 };
const ERROR = 2;
const UNSET = 0;

export interface ExportingProcess {
  /** gateway, worker. */
  readonly kind: string;
  readonly id: string;
  readonly cell?: string | undefined;
}

export interface OtlpExporter {
  export: ExportSpans;
  stop(): Promise<void>;
}

/** @param endpoint the collector's address without `/v1/traces` */
export async function openOtlpExporter(
  endpoint: string,
  { kind, id, cell }: ExportingProcess,
): Promise<OtlpExporter> {
  const [{ OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
  ]);
  const url = `${endpoint.replace(/\/+$/, "")}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
  const resource = resourceFromAttributes({
    "service.namespace": "plexus",
    "service.name": process.env.OTEL_SERVICE_NAME ?? `plexus-${kind}`,
    "service.instance.id": id,
    ...(cell === undefined ? {} : { "plexus.cell": cell }),
  });
  return {
    export: (spans) =>
      new Promise((resolve, reject) => {
        const readable = spans.map((span) => toReadable(span, resource));
        exporter.export(readable, ({ code, error }) =>
          code === 0 ? resolve() : reject(error ?? new Error("the collector refused")),
        );
      }),
    stop: () => exporter.shutdown(),
  };
}

function toReadable(span: Span, resource: ReadableSpan["resource"]): ReadableSpan {
  const { trace: traceId, span: spanId, parent, stage, links, facts } = span;
  const context = (trace: string, id: string) => ({ traceId: trace, spanId: id, traceFlags: 1 });
  return {
    name: stage === "publish" ? `publish ${namespaceOf(span.channel)}` : stage,
    kind: KIND[stage],
    spanContext: () => context(traceId, spanId),
    ...(parent === null ? {} : { parentSpanContext: { ...context(traceId, parent), isRemote: true } }),
    startTime: hrTime(span.at),
    endTime: hrTime(span.at + span.ms),
    duration: hrTime(span.ms),
    ended: true,
    status: facts.error === undefined ? { code: UNSET } : { code: ERROR, message: facts.error },
    attributes: attributesOf(span),
    links: links.map((link) => ({ context: context(link.trace, link.span) })),
    events: [],
    resource,
    instrumentationScope: { name: "plexus" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** By OpenTelemetry's conventions for messaging, as far as they have a name for it. */
function attributesOf({ tenant, channel, stage, facts }: Span): Attributes {
  const attributes: Attributes = {
    "messaging.system": "plexus",
    "messaging.operation.name": stage,
    "messaging.destination.name": channel,
    "plexus.tenant": tenant,
  };
  for (const [fact, name] of NAMES) {
    const value = facts[fact];
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

const NAMES: ReadonlyArray<readonly [keyof SpanFacts, string]> = [
  ["messages", "messaging.batch.message_count"],
  ["by", "plexus.by"],
  ["epoch", "plexus.epoch"],
  ["seq", "plexus.seq"],
  ["dup", "plexus.dup"],
  ["receivers", "plexus.receivers"],
  ["error", "error.type"],
];

/** Names of spans are few; a channel's name is an attribute. */
function namespaceOf(channel: string): string {
  return channel.split(".", 1)[0]!;
}

function hrTime(ms: number): [seconds: number, nanoseconds: number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.floor((ms - seconds * 1_000) * 1e6)];
}
