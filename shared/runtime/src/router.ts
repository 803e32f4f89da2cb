/**
 * The router: carries commands to the actors of channels, wherever they are, and their answers back.
 *
 * - Commands for one partition that are given within one turn of the event loop are one NATS message, and so are those
 *   for all partitions of a worker that is answering ({@link Shortcuts}).
 * - A command that meets nobody, or an actor that moved, or gets no answer, is sent again (to the home of that
 *   moment) until its deadline. All commands are made to be repeated.
 * - After a reconnect to NATS everything that has no answer is sent again at once: it was lost with the connection.
 * - Publishes of one channel go one batch at a time, in order; while one is under way the next gathers. So a
 *   retry can't overtake or be overtaken, and load makes batches larger instead of more.
 */

import { channelKey, isErrorCode, PlexusError, subjects } from "@plexus/protocol";
import {
  type CommandKind,
  type Commands,
  decodeAnswers,
  encodeCommands,
  type WireCommand,
  type WireError,
  type WireTraces,
} from "./commands.js";
import { homeOf } from "./directory.js";
import type { DirectoryStore } from "./directory-store.js";
import type { Logger } from "./log.js";
import { isNoResponders, type Msg, type NatsConnection, onReconnect, subscribe } from "./nats.js";
import { partitionOf } from "./placement.js";
import * as metrics from "./router-metrics.js";
import { ROUTER_DEFAULTS, type RouterOptions } from "./router-options.js";
import { type Batch, changes, overdue, type Pending, type Settle, timeout } from "./router-pending.js";
import { type Address, Shortcuts } from "./shortcuts.js";
import { UnderWay } from "./under-way.js";

/** How often deadlines and retries are looked after. */
const SWEEP_MS = 25;
const FIRST_RETRY_MS = 25;
const MAX_RETRY_MS = 500;
/** A NATS message of commands holds about so many bytes at most; far below the broker's 1 MB. */
const MAX_BATCH_BYTES = 256 * 1024;
const COMMAND_OVERHEAD_BYTES = 300;

export class Router {
  readonly #nats: NatsConnection;
  readonly #directory: DirectoryStore;
  readonly #asker: string;
  readonly #log: Logger;
  readonly #options: RouterOptions;
  readonly #pending = new UnderWay<Pending>();
  #pendingBytes = 0;
  /** Each NATS message in flight, to know what a 503 speaks of. */
  readonly #batches = new UnderWay<Batch>();
  /** Addresses for which something waits. */
  #outbox: Address[] = [];
  readonly #shortcuts = new Shortcuts();
  #flushScheduled = false;
  readonly #sweep: NodeJS.Timeout;

  constructor(context: {
    nats: NatsConnection;
    directory: DirectoryStore;
    /** Name of this process on the bus: one NATS token. */
    asker: string;
    log: Logger;
    options?: Partial<RouterOptions>;
  }) {
    this.#nats = context.nats;
    this.#directory = context.directory;
    this.#asker = context.asker;
    this.#log = context.log;
    this.#options = { ...ROUTER_DEFAULTS, ...context.options };
    subscribe(this.#nats, subjects.answersTo(this.#asker), this.#log, (message) => this.#onAnswer(message));
    this.#sweep = setInterval(() => this.#onSweep(performance.now()), SWEEP_MS);
    onReconnect(this.#nats, () => this.#onReconnect(performance.now()));
  }

  /**
   * Asks the channel's actor. Rejects with a {@link PlexusError} once the deadline has passed, at the latest. `bytes` is
   * about how large the body is, where that is more than a few names.
   */
  ask<K extends CommandKind>(
    kind: K,
    tenant: string,
    channel: string,
    body: Commands[K]["ask"],
    bytes = 0,
  ): Promise<Commands[K]["answer"]> {
    return new Promise((resolve, reject) => {
      this.send(kind, tenant, channel, body, bytes, (error, answer) =>
        error === null ? resolve(answer as Commands[K]["answer"]) : reject(error),
      );
    });
  }

  /**
   * Asks the actor that a channel has in a given cell, at home there or not. `attemptMs`: how long to wait for one
   * answer before asking again.
   */
  askAt<K extends CommandKind>(
    cell: string,
    kind: K,
    tenant: string,
    channel: string,
    body: Commands[K]["ask"],
    deadlineMs: number,
    attemptMs = this.#options.attemptMs,
  ): Promise<Commands[K]["answer"]> {
    return new Promise((resolve, reject) => {
      const settle: Settle<K> = (error, answer) =>
        error === null ? resolve(answer as Commands[K]["answer"]) : reject(error);
      this.#add({ kind, tenant, channel, body, bytes: 0, settle, cell, deadlineMs, attemptMs });
    });
  }

  /**
   * The same without a promise, for the busy path. `bytes` is about how large the body is, `deadlineMs` how long
   * whoever asks still waits.
   */
  send<K extends CommandKind>(
    kind: K,
    tenant: string,
    channel: string,
    body: Commands[K]["ask"],
    bytes: number,
    settle: Settle<K>,
    deadlineMs = this.#options.deadlineMs,
    traces?: WireTraces,
  ): void {
    const { attemptMs } = this.#options;
    this.#add({ kind, tenant, channel, body, bytes, settle, deadlineMs, attemptMs, traces });
  }

  stop(): void {
    clearInterval(this.#sweep);
    const message = "this process is stopping";
    for (const pending of [...this.#pending.values()]) {
      const unsure = (pending.inFlight || pending.uncertain) && changes(pending);
      const error = unsure ? timeout(message) : new PlexusError("unavailable", message, { retry: 1_000 });
      this.#fail(pending.command[0], error);
    }
  }

  #add<K extends CommandKind>(request: {
    kind: K;
    tenant: string;
    channel: string;
    body: Commands[K]["ask"];
    bytes: number;
    settle: Settle<K>;
    cell?: string;
    deadlineMs: number;
    attemptMs: number;
    traces?: WireTraces | undefined;
  }): void {
    const { kind, tenant, channel, body, bytes, settle, cell, deadlineMs, attemptMs, traces } = request;
    if (!this.#hasRoom(bytes))
      return settle(new PlexusError("unavailable", "too many commands under way", { retry: 500 }), null);
    const correlation = this.#pending.next;
    const now = performance.now();
    const command = [correlation, kind, tenant, channel, body] as const;
    this.#pending.add({
      command: (traces === undefined ? command : [...command, traces]) as unknown as WireCommand,
      cell,
      bytes: bytes + COMMAND_OVERHEAD_BYTES,
      settle: settle as Settle<CommandKind>,
      deadlineAt: now + deadlineMs,
      attemptMs,
      partition: undefined,
      isShort: false,
      nextAt: now + attemptMs,
      attempts: 0,
      inFlight: false,
      uncertain: false,
    });
    this.#pendingBytes += bytes;
    metrics.sent.add(kind);
    this.#enqueue(correlation, now);
  }

  #hasRoom(bytes: number): boolean {
    const { size } = this.#pending;
    const { maxOutstanding, maxOutstandingBytes } = this.#options;
    return size < maxOutstanding && (size === 0 || this.#pendingBytes + bytes <= maxOutstandingBytes);
  }

  #enqueue(correlation: number, now: number): void {
    const pending = this.#pending.get(correlation);
    if (pending === undefined) return;
    const [, , tenant, channel] = pending.command;
    const { cell } = pending;
    const home =
      cell === undefined
        ? homeOf(this.#directory.current, tenant, channel)
        : { cell, partition: partitionOf(channelKey(tenant, channel)) };
    if (home === undefined) return this.#later(pending, "no_cell");
    const partition = this.#shortcuts.partition(home.cell, home.partition);
    const address = this.#shortcuts.from(partition, now);
    pending.partition = partition;
    pending.isShort = address !== partition;
    if (address.waiting.push(correlation) === 1) this.#outbox.push(address);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.flush());
  }

  /** Sends now what has gathered, for a caller that is itself the end of a turn. */
  flush(): void {
    this.#flushScheduled = false;
    const now = performance.now();
    const outbox = this.#outbox;
    this.#outbox = [];
    for (const address of outbox) {
      const { subject, waiting: correlations } = address;
      address.waiting = [];
      let batch: number[] = [];
      let bytes = 0;
      for (const correlation of correlations) {
        const pending = this.#pending.get(correlation);
        if (pending === undefined) continue;
        if (batch.length > 0 && bytes + pending.bytes > MAX_BATCH_BYTES) {
          this.#publish(subject, batch, now);
          batch = [];
          bytes = 0;
        }
        batch.push(correlation);
        bytes += pending.bytes;
      }
      if (batch.length > 0) this.#publish(subject, batch, now);
    }
  }

  #publish(subject: string, correlations: number[], now: number): void {
    const commands: WireCommand[] = [];
    for (const correlation of correlations) {
      const pending = this.#pending.get(correlation)!;
      pending.nextAt = now + pending.attemptMs;
      pending.attempts++;
      pending.uncertain ||= pending.inFlight;
      pending.inFlight = true;
      commands.push(pending.command);
    }
    const batch = this.#batches.next;
    this.#batches.add({ number: batch, subject, correlations });
    try {
      this.#nats.publish(subject, encodeCommands(commands), { reply: subjects.answer(this.#asker, batch) });
    } catch (error) {
      this.#batches.delete(batch);
      for (const correlation of correlations) this.#retryLater(correlation, "nats");
      if (correlations.length === 1 || this.#nats.isClosed() || this.#nats.isDraining())
        return this.#log.warn({ err: error }, "router: could not publish");
      // Too large, most likely: what is itself small enough must not fail together with the rest again and again.
      const half = correlations.length >> 1;
      this.#publish(subject, correlations.slice(0, half), now);
      this.#publish(subject, correlations.slice(half), now);
    }
  }

  #onAnswer(message: Msg): void {
    if (isNoResponders(message))
      return this.#nobody(Number(message.subject.slice(message.subject.lastIndexOf(".") + 1)));
    const worker = this.#shortcuts.heard(message.reply, performance.now());
    for (const [correlation, error, body] of decodeAnswers(message.data)) {
      if (error !== null) this.#onError(correlation, error);
      else {
        const partition = this.#pending.get(correlation)?.partition;
        if (partition !== undefined) partition.worker = worker;
        this.#settle(correlation, null, body);
      }
    }
  }

  /**
   * Nobody serves the partition, or the worker is gone. Whoever got what was sent there before may have died with it: that is sent again as
   * soon, and not only when its time is over.
   */
  #nobody(batch: number): void {
    const met = this.#batches.get(batch);
    if (met === undefined) return;
    this.#batches.delete(batch);
    this.#shortcuts.gone(met.subject);
    for (const correlation of met.correlations) this.#retry(correlation, "no_responders");
    for (const { number, subject, correlations } of this.#batches.values()) {
      if (number >= batch || subject !== met.subject) continue;
      this.#batches.delete(number);
      for (const correlation of correlations) this.#doubt(correlation);
    }
  }

  #doubt(correlation: number): void {
    const pending = this.#pending.get(correlation);
    if (pending === undefined) return;
    pending.uncertain ||= pending.inFlight;
    this.#retry(correlation, "no_responders");
  }

  #onError(correlation: number, [code, message, retryMs, unsure]: WireError): void {
    const pending = this.#pending.get(correlation);
    if (pending === undefined) return;
    pending.uncertain ||= unsure === true;
    if (code === "moved") return this.#retry(correlation, "moved");
    // This attempt failed, but one before may have stored the message.
    if (pending.uncertain && changes(pending)) return this.#fail(correlation, timeout(message));
    const options = retryMs === null ? {} : { retry: retryMs };
    this.#fail(correlation, new PlexusError(isErrorCode(code) ? code : "internal", message, options));
  }

  /** At once where only the shortcut was wrong: whoever serves the partition now has not been asked yet. */
  #retry(correlation: number, reason: string): void {
    const pending = this.#pending.get(correlation);
    if (pending?.isShort !== true) return this.#retryLater(correlation, reason);
    pending.inFlight = false;
    pending.partition!.worker = undefined;
    metrics.retried.inc({ reason: "shortcut" });
    this.#enqueue(correlation, performance.now());
  }

  #retryLater(correlation: number, reason: string): void {
    const pending = this.#pending.get(correlation);
    if (pending === undefined) return;
    pending.inFlight = false;
    this.#later(pending, reason);
  }

  #later(pending: Pending, reason: string): void {
    metrics.retried.inc({ reason });
    const wait = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, pending.attempts - 1));
    pending.nextAt = performance.now() + wait * (0.5 + Math.random() / 2);
  }

  /** The next sweep sends them. */
  #onReconnect(now: number): void {
    for (const pending of this.#pending.values()) if (pending.inFlight) pending.nextAt = now;
  }

  /** Sends again what is due, ends what is over, and forgets the batches whose commands are all answered. */
  #onSweep(now: number): void {
    for (const pending of this.#pending.values()) {
      const [correlation] = pending.command;
      if (now >= pending.deadlineAt) this.#fail(correlation, overdue(pending));
      else if (now >= pending.nextAt) {
        if (pending.inFlight) metrics.retried.inc({ reason: "no_answer" });
        pending.nextAt = now + pending.attemptMs;
        this.#enqueue(correlation, now);
      }
    }
    for (const { number, correlations } of this.#batches.values())
      if (!correlations.some((correlation) => this.#pending.get(correlation) !== undefined))
        this.#batches.delete(number);
    this.#shortcuts.forgetSilent(now);
    metrics.outstanding.set(this.#pending.size);
  }

  #fail(correlation: number, error: PlexusError): void {
    metrics.failed.inc({ code: error.code });
    this.#settle(correlation, error, null);
  }

  #settle(correlation: number, error: PlexusError | null, body: unknown): void {
    const pending = this.#pending.get(correlation);
    if (pending === undefined) return;
    this.#pending.delete(correlation);
    this.#pendingBytes -= pending.bytes - COMMAND_OVERHEAD_BYTES;
    try {
      pending.settle(error, body as Commands[CommandKind]["answer"]);
    } catch (cause) {
      this.#log.error({ err: cause, kind: pending.command[1] }, "router: what waited for an answer failed");
    }
  }
}
