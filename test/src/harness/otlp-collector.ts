/** An OpenTelemetry collector, as far as it takes spans over HTTP in JSON, and keeps them. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export interface CollectedSpan {
  traceId: string;
  spanId: string;
  /** Empty where it has none. */
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  links?: Array<{ traceId: string; spanId: string }>;
  status?: { code?: number; message?: string };
  attributes: Record<string, unknown>;
  /** service.name and service.instance.id. */
  service: string;
  instance: string;
}

interface Value {
  stringValue?: string;
  intValue?: number | string;
  boolValue?: boolean;
  doubleValue?: number;
}
type Pairs = Array<{ key: string; value: Value }>;

interface ExportRequest {
  resourceSpans: Array<{
    resource: { attributes: Pairs };
    scopeSpans: Array<{ spans: Array<CollectedSpan & { attributes: Pairs }> }>;
  }>;
}

export class OtlpCollector {
  readonly spans: CollectedSpan[] = [];
  requests = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.requests++;
      void json(request).then((body) => {
        this.#take(body as ExportRequest);
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
  }

  static async start(): Promise<OtlpCollector> {
    const collector = new OtlpCollector();
    await new Promise<void>((resolve) => collector.#server.listen(0, "127.0.0.1", resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  of(trace: string): CollectedSpan[] {
    return this.spans.filter(({ traceId }) => traceId === trace);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #take({ resourceSpans }: ExportRequest): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const named = plain(resource.attributes);
      const service = String(named["service.name"]);
      const instance = String(named["service.instance.id"]);
      for (const { spans } of scopeSpans)
        for (const span of spans)
          this.spans.push({ ...span, attributes: plain(span.attributes), service, instance });
    }
  }
}

function plain(pairs: Pairs): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map(({ key, value }) => {
      const { intValue, stringValue, boolValue, doubleValue } = value;
      return [key, intValue === undefined ? (stringValue ?? boolValue ?? doubleValue) : Number(intValue)];
    }),
  );
}
