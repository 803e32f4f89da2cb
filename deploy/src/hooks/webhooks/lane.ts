import type { JetStreamClient, JsMsg } from "@nats-io/jetstream";
import type { Logger, NatsConnection, Webhook } from "@plexus/runtime";
import * as metrics from "../metrics.js";
import { StreamReader, type StreamStart } from "../stream-reader.js";
import { type BatchBounds, batches, type Item } from "./batch.js";
import type { Delivery } from "./delivery.js";
import type { LanePosition, LiveState } from "./state.js";

/** Where a lane's entries come from, and what they mean. */
export interface LaneSource {
  /** `lifecycle`, or `cell.` and the cell's name. */
  readonly name: string;
  readonly stream: string;
  readonly filter: string;
  /** Entries that are fetched before they are asked for. */
  readonly ahead: number;
  /** @returns which life of the log that is; undefined where it has but one */
  open(): Promise<{ client: JetStreamClient; log: string | undefined }>;
  items(webhook: Webhook, message: JsMsg, done: number): Item[];
  /** Resolves once what must be delivered before this entry is, or the lane has ended. */
  inTurn?(message: JsMsg, signal: AbortSignal): Promise<void>;
}

export interface LaneContext {
  nats: NatsConnection;
  tenant: string;
  webhook: () => Webhook;
  state: LiveState;
  delivery: Delivery;
  bounds: BatchBounds;
  signal: AbortSignal;
  log: Logger;
}

/** Positions of a stream in which nothing is wanted are written after so many entries. */
const SAVE_EVERY = 1_000;
const OPEN_AGAIN_MS = 1_000;

/** One stream of one webhook: batch by batch, in the stream's order, one request at a time. */
export class Lane {
  readonly source: LaneSource;
  readonly #context: LaneContext;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #since: number;
  #reader: StreamReader | undefined;
  #unsaved = 0;
  /** Entries behind the one that was read last. */
  #waiting = 0;

  /** @param since where it begins, if it is new */
  constructor(source: LaneSource, context: LaneContext, since: number) {
    this.source = source;
    this.#context = context;
    this.#since = since;
    this.#signal = AbortSignal.any([context.signal, this.#abort.signal]);
    void this.#run().catch((error: unknown) =>
      context.log.error({ err: error, lane: source.name }, "a webhook's lane has ended"),
    );
  }

  /** Sequence up to which everything is dealt with, and the time before which nothing counts. */
  get done(): { seq: number; since: number } {
    const { seq = 0, since } = this.#position;
    return { seq, since };
  }

  stop(): void {
    this.#abort.abort();
    this.#reader?.stop();
  }

  get #position(): LanePosition {
    return this.#context.state.lane(this.source.name) ?? { since: this.#since };
  }

  async #run(): Promise<void> {
    const { state, delivery, bounds, tenant } = this.#context;
    const signal = this.#signal;
    const { name } = this.source;
    for await (const { items, after } of batches(this.#items(), bounds)) {
      if (signal.aborted) return;
      if (items.length === 0) {
        state.move(name, { ...after, waiting: 0 });
        if (++this.#unsaved % SAVE_EVERY === 0) void state.save();
        continue;
      }
      const started = this.#waiting;
      const refresh = () => state.move(name, { waiting: started + items.length });
      if (!(await delivery.deliver(name, { items, after }, signal, refresh))) return;
      metrics.webhookEvents.inc({ tenant, webhook: this.#context.webhook().id }, items.length);
      metrics.webhookLag.set({ tenant, webhook: this.#context.webhook().id, lane: name }, this.#waiting);
      state.move(name, { ...after, at: Date.now(), waiting: this.#waiting });
      await state.save();
    }
  }

  async *#items(): AsyncGenerator<Item> {
    const { source } = this;
    const { nats, log } = this.#context;
    const signal = this.#signal;
    const { start, part } = await this.#start();
    let done = part;
    if (signal.aborted) return;
    const { stream, filter, ahead } = source;
    const open = async () => (await source.open()).client;
    this.#reader = new StreamReader({ nats, open, stream, filter, ahead, log });
    for await (const message of this.#reader.read(start)) {
      await source.inTurn?.(message, signal);
      if (signal.aborted) return;
      this.#waiting = message.info.pending;
      yield* this.#itemsOf(message, done);
      done = 0;
      if (signal.aborted) return;
    }
  }

  /** Something that makes no sense must not hold up what comes after it. */
  #itemsOf(message: JsMsg, done: number): Item[] {
    try {
      return this.source.items(this.#context.webhook(), message, done);
    } catch (error) {
      this.#context.log.error({ err: error, subject: message.subject, seq: message.seq }, "malformed entry");
      return [{ json: null, ts: message.time.getTime(), after: { seq: message.seq, part: 0 } }];
    }
  }

  /** A log that was restored counts its entries anew: what was stored since the last delivery is new. */
  async #start(): Promise<{ start: StreamStart; part: number }> {
    const { state, log } = this.#context;
    const signal = this.#signal;
    for (;;) {
      try {
        const { log: life } = await this.source.open();
        if (signal.aborted) return { start: { after: 0 }, part: 0 };
        const position = this.#position;
        const isAnother = life !== undefined && position.log !== undefined && position.log !== life;
        const began = position.at ?? position.since;
        if (isAnother) state.restart(this.source.name, { since: began, log: life });
        else if (life !== undefined) state.move(this.source.name, { log: life });
        if (isAnother) return { start: { since: began }, part: 0 };
        const { seq, part = 0, since } = position;
        return seq === undefined ? { start: { since }, part: 0 } : { start: { after: seq }, part };
      } catch (error) {
        if (signal.aborted) return { start: { after: 0 }, part: 0 };
        log.warn({ err: error, lane: this.source.name }, "a webhook's stream is away, trying again");
        await new Promise((resolve) => setTimeout(resolve, OPEN_AGAIN_MS));
      }
    }
  }
}
