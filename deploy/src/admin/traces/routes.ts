import { PlexusError, subjects } from "@plexus/protocol";
import {
  checkNats,
  MAX_TRACE_SESSIONS,
  subscribe,
  TRACE_ORDER_INTERVAL_MS,
  type TraceReport,
} from "@plexus/runtime";
import { Type } from "typebox";
import { ChannelParams } from "../channels.js";
import type { AdminContext, AdminServer } from "../context.js";
import { eventAnswers } from "../schemas.js";
import type { EventStream } from "../sse.js";
import { TraceCollector } from "./collector.js";

const RETRY_MS = 1_000;
const SHOW_INTERVAL_MS = 100;
const DEFAULT_SECONDS = 60;
const MAX_SECONDS = 600;
const DEFAULT_MESSAGES = 100;
const MAX_MESSAGES = 1_000;

const Bounds = Type.Object(
  {
    seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_SECONDS, default: DEFAULT_SECONDS })),
    messages: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_MESSAGES, default: DEFAULT_MESSAGES })),
  },
  { additionalProperties: false },
);

export function traceRoutes(server: AdminServer, context: AdminContext): void {
  const open = new Set<TraceSession>();
  server.get(
    "/v1/tenants/:tenant/channels/:channel/trace",
    {
      schema: {
        tags: ["channels"],
        summary: "The way of a channel's messages through every process, live, as server-sent events",
        description:
          "An event `following` when it begins, an event `message` for each message that was published and handed out, and an event `end` with the reason when the time or the number of messages is over. Times and ids, not contents. Few messages per second are followed; `passed` counts the others.",
        params: ChannelParams,
        querystring: Bounds,
        response: eventAnswers("events until the bounds are reached or the reader goes"),
      },
    },
    async ({ params, query }, reply) => {
      if (open.size >= MAX_TRACE_SESSIONS)
        throw new PlexusError("limit_reached", `${MAX_TRACE_SESSIONS} channels may be followed at once`);
      // What is wrong can only be said before the stream begins.
      const away = await checkNats(context.nats);
      if (away !== undefined) throw new PlexusError("unavailable", "the bus is away", { retry: RETRY_MS });
      const { seconds = DEFAULT_SECONDS, messages = DEFAULT_MESSAGES } = query;
      const session = new TraceSession(context, params, context.streams.open(reply), messages);
      open.add(session);
      await session.run(seconds * 1_000).finally(() => open.delete(session));
    },
  );
}

/** One reader that follows one channel: for as long as it says so every second, the processes report. */
class TraceSession {
  readonly #context: AdminContext;
  readonly #of: { tenant: string; channel: string };
  readonly #stream: EventStream;
  readonly #collector = new TraceCollector();
  #left: number;
  #passed = 0;

  constructor(
    context: AdminContext,
    of: { tenant: string; channel: string },
    stream: EventStream,
    messages: number,
  ) {
    this.#context = context;
    this.#of = of;
    this.#stream = stream;
    this.#left = messages;
  }

  async run(ms: number): Promise<void> {
    const { nats, log } = this.#context;
    const { tenant, channel } = this.#of;
    const reports = subscribe(nats, subjects.traceReports(tenant, channel), log, (message) =>
      this.#heard(message.json<TraceReport>()),
    );
    const order = () => nats.publish(subjects.orderTraces, JSON.stringify({ tenant, channel }));
    order();
    const orders = setInterval(order, TRACE_ORDER_INTERVAL_MS);
    const shows = setInterval(() => this.#show(), SHOW_INTERVAL_MS);
    const over = setTimeout(() => this.#end("time"), ms);
    this.#stream.send("following", JSON.stringify(this.#of));
    await new Promise<void>((resolve) => {
      if (this.#stream.signal.aborted) resolve();
      this.#stream.signal.addEventListener("abort", () => resolve());
    });
    clearInterval(orders);
    clearInterval(shows);
    clearTimeout(over);
    reports.unsubscribe();
  }

  #heard({ span, passed }: TraceReport): void {
    this.#passed += passed;
    this.#collector.add(span, performance.now());
  }

  #show(): void {
    for (const message of this.#collector.take(performance.now())) {
      if (this.#left-- <= 0) return this.#end("messages");
      const passed = this.#passed;
      this.#passed = 0;
      this.#stream.send("message", JSON.stringify({ ...message, passed }));
    }
    if (this.#left <= 0) this.#end("messages");
  }

  #end(reason: "time" | "messages"): void {
    if (this.#stream.signal.aborted) return;
    this.#stream.send("end", JSON.stringify({ reason, passed: this.#passed }));
    this.#stream.end();
  }
}
