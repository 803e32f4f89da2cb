import { channelKey, PlexusError, splitChannelKey, subjects } from "@plexus/protocol";
import type { CommandKind, Commands, HeadItem, PresencePage, WireCommand, WireError } from "@plexus/runtime";
import type { ActorContext } from "./actor-context.js";
import { AppendTrace } from "./append-trace.js";
import type { Asker } from "./asker.js";
import { CHANNEL_BOUNDS, Channel, type ChannelEffect, type LoadedChannel } from "./channel.js";
import { ChannelPresence } from "./channel-presence.js";
import { Doubt } from "./doubt.js";
import { type ChannelLogs, isOld, loadChannel, readWindow } from "./loader.js";
import type { StoredRecord } from "./log.js";
import * as metrics from "./metrics.js";
import { persistent } from "./persistent.js";
import type { ReadableChannel } from "./reader.js";
import { planTrim } from "./retention.js";
import { SharedReads } from "./shared-reads.js";
import { takeOver } from "./take-over.js";
import { TrimPace } from "./trim-pace.js";

const LOG_AWAY: WireError = ["unavailable", "the log is away", 1_000];
/** The members of a channel that was opened here are written down by then, and the clocks of two machines may differ. */
const OPENED_LATELY_MS = 120_000;

/**
 * The actor of one channel: runs the effects of {@link Channel}, answers questions about the channel's past
 * and its members. All of it can be rebuilt from the log and from Redis.
 */
export class Actor {
  readonly key: string;
  readonly #context: ActorContext;
  readonly #tenant: string;
  readonly #channel: Channel<Asker>;
  readonly #logs: ChannelLogs;
  readonly #presence: ChannelPresence;
  readonly #subject: string;
  readonly #loaded: Promise<void>;
  #isLoading = true;
  readonly #doubt = new Doubt(() => this.#compare());
  #lastUsedAt = Date.now();
  readonly #reads = new SharedReads();
  #questions = 0;
  readonly #trimPace = new TrimPace(performance.now());

  constructor(context: ActorContext, tenant: string, channel: string) {
    this.key = channelKey(tenant, channel);
    this.#context = context;
    this.#tenant = tenant;
    this.#channel = new Channel(channel, context.cell, CHANNEL_BOUNDS, context.held);
    this.#subject = subjects.log(context.cell, tenant, channel);
    this.#logs = {
      cell: context.cell,
      own: context.log,
      of: (cell) => (cell === context.cell ? Promise.resolve(context.log) : context.logOf(cell)),
      subject: (cell) => subjects.log(cell, tenant, channel),
    };
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
    return now - this.#lastUsedAt > idleMs && this.#idle;
  }

  get #idle(): boolean {
    return this.#channel.quiet && this.#presence.quiet && this.#questions === 0;
  }

  get quiet(): boolean {
    return this.#channel.quiet;
  }

  /** The newest records, as far as they are in memory. */
  get tail() {
    return this.#channel.tail;
  }

  /** Forgets the ids whose time is over; those who publish do so themselves, but it may be long until somebody does. */
  forgetOldIds(now: number): void {
    this.#channel.forgetOldIds(now);
  }

  handle(command: WireCommand<Exclude<CommandKind, "heads">>, asker: Asker): void {
    this.#lastUsedAt = Date.now();
    const [, kind, , , body] = command;
    switch (kind) {
      case "publish":
        if (this.#context.logIsAway()) return this.#context.answer(asker, LOG_AWAY, null);
        this.#channel.publish(body, asker, this.#lastUsedAt);
        return this.#runEffects();
      case "read":
        return void this.#answer(asker, () => this.#reads.read(this.#readable(), body, Date.now()));
      case "head":
        return void this.#answer(asker, () => this.#head(body.gateway));
      case "members":
        return void this.#answer(asker, () => this.#withPresence(() => this.#presence.change(body)));
      case "presence":
        return void this.#answer(asker, () => this.#withPresence(() => this.#presence.page(body)));
      case "trim":
        return void this.#answer(asker, () => this.trim().then(() => null));
      case "release":
        // Whoever asks is behind with the directory, or this worker is: it asks again.
        if (this.isHome)
          return this.#context.answer(asker, ["moved", "the channel is at home here", null], null);
        this.#channel.release(body.to, asker, this.#lastUsedAt);
        return this.#runEffects();
      case "members_left":
        return void this.#answer(asker, () => this.#presence.handOver(body), "sealed");
    }
  }

  /** The answer to `head`, or null where this actor can't give it; never rejects. */
  async headAmongOthers(gateway: string): Promise<HeadItem | null> {
    this.#lastUsedAt = Date.now();
    this.#questions++;
    try {
      if (this.#isLoading) await this.#loaded;
      const doubt = this.#doubt.settle();
      if (doubt !== undefined) await doubt;
      if (!this.#channel.serves) return null;
      const { head, presence, members } = this.#head(gateway);
      return [head.epoch, head.seq, presence, members];
    } catch {
      return null;
    } finally {
      this.#questions--;
    }
  }

  get #names() {
    return splitChannelKey(this.key);
  }

  /** Whether this cell is the channel's home, as far as is known here. */
  get isHome(): boolean {
    return this.#context.placement.isHome(this.#tenant, this.#channel.name);
  }

  /** Whether commands are answered here, rather than with `moved`. */
  get serves(): boolean {
    return this.#channel.serves;
  }

  /** Nothing was ever written to the channel, nobody waits for it, and it is at home elsewhere. */
  get isStray(): boolean {
    const { isFresh, name } = this.#channel;
    return isFresh && this.#idle && !this.#context.placement.isHome(this.#tenant, name);
  }

  get hasMembers(): boolean {
    return this.#presence.hasMembers;
  }

  /** The gateways that have members in the channel, as far as is known. */
  get gateways(): Iterable<string> {
    return this.#presence.gateways;
  }

  /** A gateway's lease ended. */
  async dropGateway(gateway: string): Promise<void> {
    await this.#loaded;
    if (this.#channel.serves) await this.#presence.drop(gateway);
    else await this.#presence.abandon([gateway]);
  }

  /** Somebody else may have served the channel: the log is asked before anything more is said about it. */
  doubt(): void {
    this.#doubt.raise();
  }

  close(): void {
    this.#channel.close();
    this.#runEffects();
  }

  /** Waits for nobody but the log: what is not known yet of the members is left out. */
  #head(gateway: string): Commands["head"]["answer"] {
    const seen = this.#settings.presence ? this.#presence.seenBy(gateway) : null;
    return { head: this.#channel.position, presence: seen?.version ?? null, members: seen?.members ?? 0 };
  }

  async #withPresence<T>(ask: () => Promise<T>): Promise<T | null> {
    if (!this.#settings.presence)
      throw new PlexusError("bad_request", "presence is switched off in this namespace");
    return (await ask()) ?? null;
  }

  get #settings() {
    return this.#context.settings.of(this.#tenant, this.#channel.name);
  }

  #readable(): ReadableChannel {
    const { position, fence, tail, segments, opened } = this.#channel;
    return { logs: this.#logs, position, fence, tail, segments, opened, retention: this.#settings.retention };
  }

  /** Answers a question once the channel is loaded, or now where it is; whatever goes wrong becomes a typed error. */
  async #answer(asker: Asker, ask: () => unknown, during: "serving" | "sealed" = "serving"): Promise<void> {
    this.#questions++;
    try {
      if (this.#isLoading) await this.#loaded;
      const doubt = during === "serving" ? this.#doubt.settle() : undefined;
      if (doubt !== undefined) await doubt;
      const allowed = during === "serving" ? this.#channel.serves : this.#channel.state === "sealed";
      const body = allowed ? ask() : null;
      const error = allowed ? null : this.#channel.closeReason;
      this.#context.answer(asker, error, body instanceof Promise ? await body : body);
    } catch (error) {
      this.#context.answer(asker, this.#toWireError(error), null);
    }
    this.#questions--;
  }

  #toWireError(error: unknown): WireError {
    if (error instanceof PlexusError) return [error.code, error.message, error.retry ?? null];
    this.#context.logger.error({ err: error, ...this.#names }, "a question to the channel failed");
    return ["internal", "internal error", null];
  }

  async #load(): Promise<void> {
    const startedAt = performance.now();
    try {
      const { placement } = this.#context;
      const name = this.#channel.name;
      const before = placement.previousHomes(this.#tenant, name);
      const loaded = await loadChannel(this.#logs, Date.now());
      const { isHome } = this;
      // An operation that ended while the log was asked may have left the channel in one of these.
      const elsewhere = [...new Set([...placement.previousHomes(this.#tenant, name), ...before])];
      const lives = loaded.sealedTo === null && !loaded.fresh;
      if (lives || !isHome || (elsewhere.length === 0 && loaded.sealedTo === null)) {
        if (this.#mayLackMembers(loaded)) this.#presence.settle();
        this.#channel.loaded(loaded, isHome, Date.now());
      } else await this.#takeOver(loaded, elsewhere);
    } catch (error) {
      this.#context.logger.warn({ err: error, ...this.#names }, "channel could not be loaded");
      this.#channel.loadFailed();
    }
    this.#isLoading = false;
    metrics.loadSeconds.observe((performance.now() - startedAt) / 1_000);
    this.#runEffects();
  }

  /** Whether Redis here may know less of the channel's members than another cell does, or did. */
  #mayLackMembers({ fresh, sealedTo, openedAt }: LoadedChannel): boolean {
    // They may have been given away with the answer that the next home did not hear.
    if (sealedTo !== null) return true;
    // Never written to, it leaves nothing behind by which anybody would ask its former home for its members.
    if (fresh) return this.isHome && this.#context.placement.cameLately(this.#tenant, this.#channel.name);
    // Whoever opened it here may have died before it wrote down whom it was given.
    return Date.now() - openedAt < OPENED_LATELY_MS;
  }

  async #takeOver(own: LoadedChannel, elsewhere: string[]): Promise<void> {
    const { placement, askAt, goneCells, cell, logger } = this.#context;
    const context = {
      channel: this.#channel.name,
      logs: this.#logs,
      stateOf: (id: string) => placement.stateOf(id),
      release: (id: string) => askAt(id, "release", this.#tenant, this.#channel.name, { to: cell }),
      ...goneCells,
      isHome: () => this.isHome,
      newEpoch: () => crypto.randomUUID().replaceAll("-", "").slice(0, 16),
    };
    const { loaded, from } = await takeOver(context, own, elsewhere, Date.now());
    metrics.takeOvers.inc({ outcome: from === null ? "alone" : "handed_over" });
    logger.debug({ ...this.#names, from, position: loaded.position }, "channel taken over");
    if (from !== null && this.#settings.presence) {
      const answers = placement.stateOf(from) !== "down";
      const ask = (page: PresencePage) => askAt(from, "members_left", this.#tenant, this.#channel.name, page);
      this.#presence.takeOver(answers ? ask : null);
    }
    this.#channel.loaded(loaded, true, Date.now());
  }

  async #readWindow(newest: StoredRecord | null): Promise<void> {
    try {
      const { newestAt } = this.#channel;
      // Its time may have gone by since the channel was loaded, and with it what could not be read.
      const segments = isOld(newestAt, Date.now()) ? [] : this.#channel.segments;
      const ids = await readWindow(this.#logs, segments, newestAt, newest, persistent);
      this.#channel.windowRead(ids, Date.now());
    } catch (error) {
      this.#context.logger.warn({ err: error, ...this.#names }, "idempotency window could not be read");
      this.#channel.windowRead(null, Date.now());
    }
    this.#runEffects();
  }

  /** Reads the newest record, to find out what became of an append. */
  async #verify(): Promise<void> {
    metrics.verifications.inc();
    try {
      const last = await this.#context.log.last(this.#subject);
      this.#channel.verified(last?.logSeq ?? 0, last?.bytes ?? null, Date.now());
    } catch (error) {
      this.#context.logger.warn({ err: error, ...this.#names }, "append could not be verified");
      this.#channel.loadFailed();
    }
    this.#runEffects();
  }

  /** Whether the newest record is the one that is known here; where it is not, this actor is done for. */
  async #compare(): Promise<boolean> {
    const { fence } = this.#channel;
    const last = await this.#context.log.last(this.#subject);
    // What is under way is decided by the fence; what was stored meanwhile has met it.
    if (this.#channel.fence !== fence) return true;
    if (this.#channel.state !== "idle") return !this.#channel.serves;
    // A replica of the log that lags proves nothing: only what is newer counts.
    if (last !== null && last.logSeq > fence) this.close();
    return true;
  }

  #runEffects(): void {
    for (const effect of this.#channel.takeEffects()) this.#run(effect);
  }

  #run(effect: ChannelEffect<Asker>): void {
    switch (effect.do) {
      case "append":
        return this.#append(effect);
      case "load":
        return void this.#verify();
      case "window":
        return void this.#readWindow(effect.newest);
      case "answer":
        return this.#context.answer(effect.to, null, effect.answer);
      case "release":
        return this.#context.answer(effect.to, null, effect.answer);
      case "refuse":
        metrics.countRefusal(effect.error);
        return this.#context.answer(effect.to, effect.error, null);
      case "close":
        this.#presence.stop();
        return this.#context.closed(this);
    }
  }

  #append({ bytes, fence, opened, taken }: Extract<ChannelEffect<Asker>, { do: "append" }>): void {
    const startedAt = performance.now();
    for (const { to, messages } of taken) metrics.mailboxSeconds.add((startedAt - to.at) / 1_000, messages);
    const trace = AppendTrace.of(this.#context.tracer, this.key, taken, startedAt);
    const record = { subject: this.#subject, bytes, fence, opened };
    const append = trace === undefined ? record : { ...record, traceparent: trace.traceparent };
    this.#context.log.append(append, (outcome) => {
      trace?.ended(outcome, performance.now());
      if (outcome.stored) {
        metrics.appendSeconds.add((performance.now() - startedAt) / 1_000);
        const before = this.#channel.position.seq;
        this.#channel.appended(outcome.logSeq, Date.now());
        this.#trimSometimes(this.#channel.position.seq - before);
      } else if (outcome.why === "refused") {
        const why = { ...this.#names, reason: outcome.message, trace: trace?.id };
        this.#context.logger.warn(why, "append refused");
        this.#channel.appendRefused(outcome.message);
      } else this.#channel.unsure();
      this.#runEffects();
    });
  }

  #trimSometimes(added: number): void {
    metrics.storedMessages.add(added);
    metrics.storedRecords.add();
    if (this.#trimPace.isDue(added, this.#settings.retention.messages, performance.now())) void this.trim();
  }

  /** Removes from the log what retention no longer keeps. */
  async trim(): Promise<void> {
    try {
      await this.#loaded;
      const { below, reopenFrom } = await planTrim(this.#readable(), Date.now());
      if (below !== null) await this.#context.log.trim(this.#subject, below);
      if (reopenFrom !== null) {
        this.#channel.reopen(reopenFrom, Date.now());
        this.#runEffects();
      }
    } catch (error) {
      this.#context.logger.warn({ err: error, ...this.#names }, "channel could not be trimmed");
    }
  }
}
