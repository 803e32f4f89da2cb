import { opOf, type Position, readHead, recordAfter, subjects } from "@plexus/protocol";
import { subscribe } from "@plexus/runtime";
import { Type } from "typebox";
import { ChannelParams } from "./channels.js";
import type { AdminContext, AdminServer } from "./context.js";
import { eventAnswers } from "./schemas.js";
import type { EventStream } from "./sse.js";

const MAX_REWIND = 1_000;
/** Messages fetched at once where the bus lost some. */
const FETCH_MESSAGES = 1_000;
/** Events that wait while the channel is asked; a stream that gathers more is ended. */
const MAX_WAITING = 10_000;

const Rewind = Type.Object(
  {
    rewind: Type.Optional(
      Type.Integer({ minimum: 0, maximum: MAX_REWIND, description: "bring the last n messages first" }),
    ),
  },
  { additionalProperties: false },
);

export function tailRoutes(server: AdminServer, context: AdminContext): void {
  server.get(
    "/v1/tenants/:tenant/channels/:channel/events",
    {
      schema: {
        tags: ["channels"],
        summary: "What a channel's subscribers see, live, as server-sent events",
        description:
          "Each event is named after its frame's `op` (`msg`, `presence`, `signal`, …); its data is the frame. Messages come in order and without gaps; where that can't be, an event `gap` says so.",
        params: ChannelParams,
        querystring: Rewind,
        response: eventAnswers("events until the reader goes"),
      },
    },
    async ({ params, query }, reply) => {
      // What is wrong with the channel can only be said before the stream begins.
      await context.router.ask("head", params.tenant, params.channel, { gateway: "tail" });
      const stream = context.streams.open(reply);
      const tail = new ChannelTail(context, params.tenant, params.channel, stream);
      await tail.run(query.rewind ?? 0);
    },
  );
}

/** Follows one channel for one stream. */
class ChannelTail {
  readonly #context: AdminContext;
  readonly #tenant: string;
  readonly #channel: string;
  readonly #stream: EventStream;
  #position: Position | undefined;
  #waiting: Uint8Array[] = [];
  #wake: () => void = () => undefined;

  constructor(context: AdminContext, tenant: string, channel: string, stream: EventStream) {
    this.#context = context;
    this.#tenant = tenant;
    this.#channel = channel;
    this.#stream = stream;
  }

  /** Resolves when the stream is over. */
  async run(rewind: number): Promise<void> {
    const { nats, log } = this.#context;
    const { signal } = this.#stream;
    const event = subjects.event(this.#tenant, this.#channel);
    const subscription = subscribe(nats, event, log, (message) => this.#onEvent(message.data));
    signal.addEventListener("abort", () => this.#wake());
    try {
      await this.#begin(rewind);
      while (!signal.aborted) {
        for (const bytes of this.#waiting.splice(0)) await this.#show(bytes);
        if (this.#waiting.length === 0 && !signal.aborted)
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } catch (error) {
      log.warn(
        { err: error, tenant: this.#tenant, channel: this.#channel },
        "a channel could not be followed",
      );
    }
    subscription.unsubscribe();
    this.#stream.end();
  }

  #onEvent(bytes: Uint8Array): void {
    if (this.#waiting.push(bytes) > MAX_WAITING) this.#stream.end();
    this.#wake();
  }

  async #begin(rewind: number): Promise<void> {
    const { router } = this.#context;
    const { head, records } = await router.ask("read", this.#tenant, this.#channel, {
      limit: Math.max(1, rewind),
    });
    this.#position = { epoch: head.epoch, seq: Math.max(0, head.seq - rewind) };
    for (const bytes of records) this.#showRecord(bytes);
    this.#position = { ...head };
  }

  async #show(bytes: Uint8Array): Promise<void> {
    const op = opOf(bytes);
    if (op !== "msg") return this.#stream.send(op, Buffer.from(bytes).toString());
    const head = readHead(bytes);
    const { epoch, seq } = this.#position!;
    if (head !== null && head.epoch === epoch && head.seq > seq + 1) await this.#repair(head.seq);
    this.#showRecord(bytes);
  }

  /** Shows what of a record was not shown before. */
  #showRecord(bytes: Uint8Array): void {
    const head = readHead(bytes);
    const position = this.#position!;
    if (head === null || head.n === 0) return;
    const from = head.epoch === position.epoch ? position.seq : 0;
    const last = head.seq + head.n - 1;
    if (last <= from) return;
    this.#stream.send("msg", Buffer.from(recordAfter(bytes, head, from) ?? bytes).toString());
    this.#position = { epoch: head.epoch, seq: last };
  }

  /** The bus lost something before `seq`. */
  async #repair(seq: number): Promise<void> {
    while (this.#position!.seq + 1 < seq && !this.#stream.signal.aborted) {
      const { epoch, seq: after } = this.#position!;
      const range = { after, epoch, limit: FETCH_MESSAGES };
      const { state, records } = await this.#context.router.ask("read", this.#tenant, this.#channel, range);
      if (state === "ok") for (const bytes of records) this.#showRecord(bytes);
      if (this.#position!.seq > after) continue;
      this.#stream.send("gap", JSON.stringify({ op: "gap", ch: this.#channel, after, before: seq }));
      return;
    }
  }
}
