import {
  type MsgFrame,
  PlexusError,
  type Position,
  type PresenceFrame,
  type SignalFrame,
  subjects,
} from "@plexus/protocol";
import type { NatsConnection, Subscription as NatsSubscription } from "nats";
import { PositionKeeper } from "./position-keeper.js";
import { Reception, type Step } from "./reception.js";
import { isRetryable, type Requests } from "./requests.js";
import type { BotMessage, HistoryPage, Reset } from "./types.js";

/** Messages in one page of what was missed. */
const PAGE = 200;
/** A record that was lost at the end of a quiet channel is noticed by then. */
const LOOK_EVERY_MS = 30_000;
/** Interest takes a moment to reach other servers. */
const FIRST_LOOK_MS = 500;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;

export interface SubscribeOptions {
  /** Go on behind this position. */
  since?: Position | undefined;
  /** Go on behind what was handled last, by whichever process of this bot; from now on the first time. */
  resume?: boolean;
  /** Where there is no position to go on from: begin with the last n. */
  rewind?: number;
  /** What could not be gone on from; awaited before the next message. */
  onReset?: (reset: Reset) => unknown;
  onPresence?: (frame: PresenceFrame) => void;
  onSignal?: (frame: SignalFrame) => void;
}

export type Handler = (message: BotMessage) => unknown;

/** Messages of a channel in order, without a gap. See docs/bots.md for what is promised. */
export class BotSubscription {
  /** Resolves when it was closed; rejects with what the handler threw, or why it can't go on. */
  readonly done: Promise<void>;
  /** Resolves once it is known where to begin: what is published from then on is handled. Where that fails, see `done`. */
  readonly ready: Promise<void>;
  readonly #context: { nats: NatsConnection; requests: Requests; tenant: string; channel: string };
  readonly #handler: Handler;
  readonly #options: SubscribeOptions;
  readonly #keeper: PositionKeeper | undefined;
  #reception: Reception | undefined;
  #closed = false;
  #failure: unknown;
  #began: () => void = () => undefined;
  /** Ends the wait for where to begin. */
  #giveUp: () => void = () => undefined;
  #wake: () => void = () => undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(
    context: { nats: NatsConnection; requests: Requests; tenant: string; channel: string },
    handler: Handler,
    options: SubscribeOptions,
  ) {
    this.#context = context;
    this.#handler = handler;
    this.#options = options;
    const { requests, channel } = context;
    if (options.resume === true)
      this.#keeper = new PositionKeeper((position) => requests.ask("position", channel, position));
    this.ready = new Promise((resolve) => {
      this.#began = resolve;
    });
    this.done = this.#run();
  }

  /** What was handled last; undefined until it is known where to begin. */
  get position(): Position | undefined {
    return this.#reception?.position;
  }

  /** Takes no further message, and resolves once the one under way is handled and the position stored. */
  async close(): Promise<void> {
    this.#end();
    await this.done;
  }

  /** The connection was away. */
  lookAgain(): void {
    this.#reception?.fellBehind();
    this.#wake();
  }

  /** It can't go on: `done` rejects with this. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#end();
  }

  #end(): void {
    this.#closed = true;
    this.#giveUp();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { nats, tenant, channel } = this.#context;
    const live = nats.subscribe(subjects.event(tenant, channel), {
      callback: (error, message) => {
        if (error === null) this.#onFrame(message.data);
        else this.fail(new PlexusError("forbidden", "the bot may not subscribe", { cause: error }));
      },
    });
    const timers = [
      setTimeout(() => this.lookAgain(), FIRST_LOOK_MS),
      setInterval(() => this.lookAgain(), LOOK_EVERY_MS),
    ];
    try {
      const position = await this.#unlessClosed(this.#start());
      if (position !== undefined) {
        this.#reception = new Reception(channel, position);
        this.#began();
        while (!this.#closed) await this.#step(this.#reception, this.#reception.next());
      }
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      unsubscribe(live);
      await this.#keeper?.flush();
    }
  }

  /** Undefined where it was closed first: whoever closes need not wait for a server that is away. */
  #unlessClosed<T>(task: Promise<T>): Promise<T | undefined> {
    const closed = new Promise<undefined>((resolve) => {
      this.#giveUp = () => resolve(undefined);
      if (this.#closed) resolve(undefined);
    });
    return Promise.race([task, closed]);
  }

  async #start(): Promise<Position> {
    // Subscribed first, so that nothing is missed between the position and the first record.
    await this.#context.nats.flush();
    const { since, resume, rewind = 0 } = this.#options;
    if (since !== undefined) return since;
    const { requests, channel } = this.#context;
    if (resume === true) {
      const stored = await requests.ask<Position | { epoch: null; seq: null }>("position", channel, {});
      if (stored.epoch !== null) return { epoch: stored.epoch, seq: stored.seq };
    }
    const { epoch, seq } = await this.#head();
    const position = { epoch, seq: Math.max(0, seq - rewind) };
    // At once: what comes from now on must not be missed, also if this process ends before it has handled anything.
    if (resume === true) await requests.ask("position", channel, position);
    return position;
  }

  async #head(): Promise<Position> {
    const { epoch, messages } = await this.#history({ limit: 1 });
    return { epoch, seq: messages.at(-1)?.seq ?? 0 };
  }

  #history(range: object): Promise<HistoryPage> {
    return this.#context.requests.ask<HistoryPage>("history", this.#context.channel, range);
  }

  async #step(reception: Reception, step: Step): Promise<void> {
    switch (step.kind) {
      case "idle":
        return this.#sleep();
      case "handle":
        await this.#handler(step.message);
        reception.handled(step.message);
        return this.#keeper?.note(reception.position);
      case "reset":
        await this.#options.onReset?.(step.reset);
        return this.#keeper?.note(reception.position);
      case "head":
        return this.#patiently(async () => reception.stands(await this.#head()));
      case "fetch":
        if (step.again) await this.#sleep(this.#pauseMs);
        return this.#patiently(async () =>
          reception.fetched(step.after, await this.#history({ after: step.after, limit: PAGE })),
        );
    }
  }

  /** What can't be had now is tried again; live records wait meanwhile. */
  async #patiently(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
      this.#pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      if (!(error instanceof PlexusError) || !isRetryable(error.code)) throw error;
      await this.#sleep(this.#pauseMs);
      this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
    }
  }

  /** Until something happens, or so long. */
  #sleep(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#closed) this.#wake();
    });
  }

  /** Whatever goes wrong ends this subscription, and not the connection. */
  #onFrame(bytes: Uint8Array): void {
    try {
      const frame = JSON.parse(utf8.decode(bytes)) as { op: string };
      // What comes before it is known where to begin is read from the history.
      if (frame.op === "msg") this.#reception?.offer(frame as MsgFrame, bytes.length);
      else if (frame.op === "presence") this.#options.onPresence?.(frame as PresenceFrame);
      else if (frame.op === "signal") this.#options.onSignal?.(frame as SignalFrame);
      if (frame.op === "msg") this.#wake();
    } catch (error) {
      this.fail(error);
    }
  }
}

/** It throws where the connection is closed, and with it the subscription. */
function unsubscribe(live: NatsSubscription): void {
  if (!live.isClosed()) live.unsubscribe();
}

const utf8 = new TextDecoder();
