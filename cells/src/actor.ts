import { channelKey, PlexusError, subjects } from "@plexus/protocol";
import type { Commands, Logger, Settings, WireCommand, WireError } from "@plexus/runtime";
import { Channel, type ChannelEffect } from "./channel.js";
import { ChannelPresence } from "./channel-presence.js";
import { loadChannel } from "./loader.js";
import type { ChannelLog } from "./log.js";
import * as metrics from "./metrics.js";
import type { PresenceStore } from "./presence-store.js";
import { type ReadableChannel, readRange } from "./reader.js";
import { trimPoint } from "./retention.js";

/** Where an answer goes: the subject and the asker's correlation. */
export interface Asker {
  readonly reply: string;
  readonly correlation: number;
}

export interface ActorContext {
  readonly cell: string;
  readonly log: ChannelLog;
  readonly presence: PresenceStore;
  readonly settings: Settings;
  readonly logger: Logger;
  /** Sends a frame to the channel's subscribers without storing it. */
  announce(tenant: string, channel: string, frame: Uint8Array): void;
  answer(asker: Asker, error: WireError | null, body: unknown): void;
  /** The actor is over; the next command needs a new one. */
  closed(actor: Actor): void;
}

/** The log is trimmed when this share of what retention keeps was added, and not before so many messages. */
const TRIM_SHARE = 0.1;
const TRIM_LEAST = 1_000;
/** A live channel is trimmed by age this often at most. */
const TRIM_INTERVAL_MS = 60_000;

/**
 * The actor of one channel: runs the effects of {@link Channel}, answers questions about the channel's past
 * and its members. All of it can be rebuilt from the log and from Redis.
 */
export class Actor {
  readonly key: string;
  readonly #context: ActorContext;
  readonly #channel: Channel<Asker>;
  readonly #presence: ChannelPresence;
  readonly #subject: string;
  readonly #loaded: Promise<void>;
  #lastUsedAt = Date.now();
  #appendStartedAt = 0;
  #questions = 0;
  #untrimmed = 0;
  #lastTrimAt = Date.now();

  constructor(context: ActorContext, tenant: string, channel: string) {
    this.key = channelKey(tenant, channel);
    this.#context = context;
    this.#channel = new Channel(channel);
    this.#subject = subjects.log(context.cell, tenant, channel);
    this.#presence = new ChannelPresence({
      key: this.key,
      channel,
      store: context.presence,
      announce: (frame) => context.announce(tenant, channel, frame),
      log: context.logger,
    });
    this.#loaded = this.#load();
  }

  /** Whether the actor may be put away: nothing under way, and nobody asked for so long. */
  isIdle(now: number, idleMs: number): boolean {
    return (
      now - this.#lastUsedAt > idleMs && this.#channel.quiet && this.#presence.quiet && this.#questions === 0
    );
  }

  get lastUsedAt(): number {
    return this.#lastUsedAt;
  }
  get quiet(): boolean {
    return this.#channel.quiet;
  }

  handle(command: WireCommand, asker: Asker): void {
    this.#lastUsedAt = Date.now();
    const [, kind, , , body] = command;
    switch (kind) {
      case "publish":
        this.#channel.publish(body, asker, this.#lastUsedAt);
        return this.#runEffects();
      case "read":
        return this.#answer(asker, () => this.#read(body));
      case "head":
        return this.#answer(asker, () => this.#head(body.gateway));
      case "members":
        return this.#answer(asker, () => this.#withPresence(() => this.#presence.change(body)));
      case "presence":
        return this.#answer(asker, () => this.#withPresence(() => this.#presence.page(body)));
    }
  }

  /** A gateway's lease ended. */
  dropGateway(gateway: string): Promise<void> {
    return this.#presence.drop(gateway);
  }

  close(): void {
    this.#channel.close();
    this.#runEffects();
  }

  #read(range: Commands["read"]["ask"]): Promise<Commands["read"]["answer"]> {
    return readRange(this.#context.log, this.#readable(), range, Date.now());
  }

  async #head(gateway: string): Promise<Commands["head"]["answer"]> {
    const present = this.#settings.presence;
    return {
      head: this.#channel.position,
      presence: present ? this.#presence.version : null,
      members: present ? await this.#presence.membersOf(gateway) : 0,
    };
  }

  async #withPresence<T>(ask: () => Promise<T>): Promise<T | null> {
    if (!this.#settings.presence)
      throw new PlexusError("bad_request", "presence is switched off in this namespace");
    return (await ask()) ?? null;
  }

  get #settings() {
    return this.#context.settings.of(this.#channel.name);
  }

  #readable(): ReadableChannel {
    const { position, fence, tail } = this.#channel;
    return { subject: this.#subject, position, fence, tail, retention: this.#settings.retention };
  }

  /** Answers a question once the channel is loaded; whatever goes wrong becomes a typed error. */
  #answer(asker: Asker, ask: () => Promise<unknown>): void {
    this.#questions++;
    this.#loaded
      .then(() => {
        if (this.#channel.state === "closed") throw new PlexusError("unavailable", "the log does not answer");
        return ask();
      })
      .then(
        (body) => this.#context.answer(asker, null, body),
        (error: unknown) => this.#context.answer(asker, this.#toWireError(error), null),
      )
      .finally(() => this.#questions--);
  }

  #toWireError(error: unknown): WireError {
    if (error instanceof PlexusError) return [error.code, error.message, error.retry ?? null];
    this.#context.logger.error({ err: error, channel: this.key }, "a question to the channel failed");
    return ["internal", "internal error", null];
  }

  async #load(): Promise<void> {
    const startedAt = performance.now();
    try {
      const loaded = await loadChannel(this.#context.log, this.#subject, Date.now());
      this.#channel.loaded(loaded, Date.now());
    } catch (error) {
      this.#context.logger.warn({ err: error, channel: this.key }, "channel could not be loaded");
      this.#channel.loadFailed();
    }
    metrics.loadSeconds.observe((performance.now() - startedAt) / 1_000);
    this.#runEffects();
  }

  #runEffects(): void {
    for (const effect of this.#channel.takeEffects()) this.#run(effect);
  }

  #run(effect: ChannelEffect<Asker>): void {
    switch (effect.do) {
      case "append":
        return this.#append(effect.bytes, effect.fence);
      case "load":
        metrics.verifications.inc();
        return void this.#load();
      case "answer":
        return this.#context.answer(effect.to, null, { epoch: effect.epoch, items: effect.items });
      case "refuse":
        return this.#context.answer(effect.to, effect.error, null);
      case "close":
        this.#presence.stop();
        return this.#context.closed(this);
    }
  }

  #append(bytes: Uint8Array, fence: number): void {
    this.#appendStartedAt = performance.now();
    this.#context.log.append(this.#subject, bytes, fence, (outcome) => {
      if (outcome.stored) {
        metrics.appendSeconds.observe((performance.now() - this.#appendStartedAt) / 1_000);
        const before = this.#channel.position.seq;
        this.#channel.appended(outcome.logSeq, Date.now());
        this.#trimSometimes(this.#channel.position.seq - before);
      } else if (outcome.why === "refused") {
        this.#context.logger.warn({ channel: this.key, reason: outcome.message }, "append refused");
        this.#channel.appendRefused(outcome.message);
      } else this.#channel.unsure();
      this.#runEffects();
    });
  }

  #trimSometimes(added: number): void {
    metrics.storedMessages.inc(added);
    metrics.storedRecords.inc();
    this.#untrimmed += added;
    const now = Date.now();
    const due = this.#untrimmed >= Math.max(TRIM_LEAST, this.#settings.retention.messages * TRIM_SHARE);
    if (due || now - this.#lastTrimAt > TRIM_INTERVAL_MS) void this.trim();
  }

  /** Removes from the log what retention no longer keeps. */
  async trim(): Promise<void> {
    this.#untrimmed = 0;
    this.#lastTrimAt = Date.now();
    try {
      await this.#loaded;
      const below = await trimPoint(this.#context.log, this.#readable(), Date.now());
      if (below !== null) await this.#context.log.trim(this.#subject, below);
    } catch (error) {
      this.#context.logger.warn({ err: error, channel: this.key }, "channel could not be trimmed");
    }
  }
}
