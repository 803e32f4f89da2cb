/**
 * Publishes in order: one lane per channel, one batch of a lane on its way at a time.
 */

import { channelKey, type ErrorCode, joinFragments, messageFragment, PlexusError } from "@plexus/protocol";
import { Counter } from "prom-client";
import { measureQueue } from "./bounds.js";
import {
  type PublishAnswer,
  type PublishBatch,
  type PublishId,
  type PublishItem,
  publishedAt,
} from "./commands.js";
import type { Router } from "./router.js";
import { ROUTER_DEFAULTS } from "./router-options.js";
import { LabelledTally, Tally } from "./tally.js";
import { TimeTally } from "./time-tally.js";
import type { PublishTrace } from "./tracing/publish-trace.js";

/** Told once what became of a message. */
export interface PublishListener {
  published(epoch: string, seq: number, ts: number, dup: boolean): void;
  rejected(error: PlexusError): void;
}

/** Where a message came to stand; `dup` if it stood there already. */
export interface Published {
  readonly epoch: string;
  readonly seq: number;
  readonly ts: number;
  readonly dup?: true;
}

interface Waiting {
  readonly item: PublishItem;
  readonly listener: PublishListener;
  readonly acceptedAt: number;
}

/** Of a batch that is on its way no more than who is told what: the messages themselves are in it. */
interface Sent {
  readonly listeners: PublishListener[];
  readonly acceptedAt: number[];
}

interface Lane {
  readonly tenant: string;
  readonly channel: string;
  waiting: Waiting[];
  inFlight: boolean;
  /** Those of the waiting that are traced; undefined where none is. */
  traced: Traced[] | undefined;
}

interface Traced {
  readonly waiting: Waiting;
  readonly trace: PublishTrace;
}

/** A traced item of a batch. */
interface TracedItem {
  readonly index: number;
  readonly trace: PublishTrace;
}

/** One batch of a lane becomes at most one record's worth of work for the actor. */
const MAX_BATCH_MESSAGES = 2_000;
const MAX_BATCH_BYTES = 192 * 1024;
/** What may wait in one lane, and in all of them together; the newest is refused beyond. */
const MAX_LANE_MESSAGES = 20_000;
/**
 * Lanes without messages are kept up to as many as there are with some, and these: a Map whose entries come and go is dear,
 * see {@link UnderWay}.
 */
const IDLE_LANES = 1_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const RETRY_MS = 200;

const batches = new Tally({
  name: "plexus_publish_batches_total",
  help: "Batches of publishes sent to actors",
});
const messages = new Tally({ name: "plexus_publish_messages_total", help: "Publishes sent to actors" });
const refused = new Counter({
  name: "plexus_publish_refused_total",
  help: "Publishes refused because a bound was reached",
  labelNames: ["bound"],
});

const outcomes = new LabelledTally<"ok" | ErrorCode>({
  name: "plexus_publishes_total",
  help: "Publishes that were answered, by outcome: ok, or the error's code; what is refused before it is tried is not among them",
  label: "outcome",
});
// Shown before the first one happens: of a series that begins with its first failure no rate can be taken.
for (const outcome of ["ok", "unavailable", "timeout", "internal"] as const) outcomes.add(outcome, 0);
export const publishSeconds = new TimeTally({
  name: "plexus_publish_seconds",
  help: "Time from the receipt of a publish to its ok, which is when it is stored",
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

export class Publisher {
  readonly #router: Router;
  readonly #lanes = new Map<string, Lane>();
  #busyLanes = 0;
  #ready: Lane[] = [];
  #waitingBytes = 0;
  readonly #deadlineMs: number;
  readonly #now: () => number;

  /** `deadlineMs`: from a message's acceptance to its answer, whatever it waits for in between. */
  constructor(
    router: Router,
    {
      deadlineMs = ROUTER_DEFAULTS.deadlineMs,
      now = () => performance.now(),
    }: { deadlineMs?: number; now?: () => number } = {},
  ) {
    measureQueue("publish_bytes", MAX_WAITING_BYTES, () => this.#waitingBytes);
    this.#router = router;
    this.#deadlineMs = deadlineMs;
    this.#now = now;
  }

  /** Queues a message. The listener is told exactly once. */
  publish(
    tenant: string,
    channel: string,
    item: PublishItem,
    listener: PublishListener,
    trace?: PublishTrace,
  ): void {
    if (this.#waitingBytes + item.bytes > MAX_WAITING_BYTES) {
      const error = new PlexusError("unavailable", "too much is waiting", { retry: RETRY_MS * 5 });
      return refuse(listener, "gateway_bytes", error, trace);
    }
    const key = channelKey(tenant, channel);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { tenant, channel, waiting: [], inFlight: false, traced: undefined };
      this.#lanes.set(key, lane);
    }
    if (lane.waiting.length >= MAX_LANE_MESSAGES) {
      const error = new PlexusError("rate_limited", "the channel is too busy", { retry: RETRY_MS });
      return refuse(listener, "lane_messages", error, trace);
    }
    const waiting = { item, listener, acceptedAt: this.#now() };
    lane.waiting.push(waiting);
    if (trace !== undefined) lane.traced = [...(lane.traced ?? []), { waiting, trace }];
    this.#waitingBytes += item.bytes;
    if (lane.waiting.length > 1 || lane.inFlight) return;
    this.#busyLanes++;
    this.#markReady(lane);
  }

  /** The same for one message that is waited for. Rejects with a {@link PlexusError}. */
  publishAndWait(
    tenant: string,
    channel: string,
    item: PublishItem,
    trace?: PublishTrace,
  ): Promise<Published> {
    return new Promise((resolve, reject) => {
      const listener: PublishListener = {
        published: (epoch, seq, ts, dup) => resolve({ epoch, seq, ts, ...(dup ? { dup } : {}) }),
        rejected: reject,
      };
      this.publish(tenant, channel, item, listener, trace);
    });
  }

  #markReady(lane: Lane): void {
    if (this.#ready.push(lane) === 1) setImmediate(() => this.#sendReady());
  }

  #sendReady(): void {
    const ready = this.#ready;
    this.#ready = [];
    for (const lane of ready) this.#sendBatch(lane);
    this.#router.flush();
  }

  #sendBatch(lane: Lane): void {
    const leftMs = lane.waiting[0]!.acceptedAt + this.#deadlineMs - this.#now();
    if (leftMs <= 0) return this.#expire(lane);
    let bytes = 0;
    let n = 0;
    for (const { item } of lane.waiting) {
      if (n === MAX_BATCH_MESSAGES || (n > 0 && bytes + item.bytes > MAX_BATCH_BYTES)) break;
      bytes += item.bytes;
      n++;
    }
    const batch = lane.waiting;
    lane.waiting = batch.splice(n);
    lane.inFlight = true;
    this.#waitingBytes -= bytes;
    batches.add();
    messages.add(n);
    // Whatever is sent again is this same batch: actors know messages without an id of their own by the first one of it.
    const body = publishBatch(batch.map(({ item }) => item));
    const traced = lane.traced === undefined ? undefined : this.#takeTraced(lane, batch);
    const sent = sentOf(batch);
    const settle = (error: PlexusError | null, answer: PublishAnswer | null) => {
      if (error !== null) this.#reject(lane, sent.listeners, error);
      else accept(sent, answer!, this.#now());
      if (traced !== undefined) endTraces(traced, error, answer);
      this.#next(lane);
    };
    const traces = traced?.map(({ index, trace }) => [index, trace.traceparent] as const);
    this.#router.send("publish", lane.tenant, lane.channel, body, bytes, settle, leftMs, traces);
  }

  /** Those of a batch that are traced, which is on its way from here on; what else is traced in the lane waits on. */
  #takeTraced(lane: Lane, batch: Waiting[]): TracedItem[] | undefined {
    const found: TracedItem[] = [];
    const left: Traced[] = [];
    for (const one of lane.traced ?? []) {
      const index = batch.indexOf(one.waiting);
      if (index === -1) left.push(one);
      else found.push({ index, trace: one.trace });
    }
    lane.traced = left.length === 0 ? undefined : left;
    const now = performance.now();
    for (const { trace } of found) trace.sent(now);
    return found.length === 0 ? undefined : found;
  }

  /** Nothing was sent of what waited too long: its publishers may be told so. */
  #expire(lane: Lane): void {
    lane.inFlight = true;
    const error = new PlexusError("unavailable", "the channel did not get to it in time", { retry: 1_000 });
    this.#reject(lane, [], error);
    this.#next(lane);
  }

  /** Only when everybody has been told: a listener that publishes again finds the lane busy, and its message waits. */
  #next(lane: Lane): void {
    lane.inFlight = false;
    if (lane.waiting.length > 0) return this.#markReady(lane);
    this.#busyLanes--;
    if (this.#lanes.size - this.#busyLanes > this.#busyLanes + IDLE_LANES) this.#forgetIdle();
  }

  #forgetIdle(): void {
    for (const [key, lane] of this.#lanes)
      if (!lane.inFlight && lane.waiting.length === 0) this.#lanes.delete(key);
  }

  /** What waits behind a batch that failed fails with it: going on would let the later overtake the earlier. */
  #reject(lane: Lane, sent: readonly PublishListener[], error: PlexusError): void {
    const behind = lane.waiting;
    lane.waiting = [];
    const now = performance.now();
    for (const { trace } of lane.traced ?? []) trace.failed(error.code, now);
    lane.traced = undefined;
    outcomes.add(error.code, sent.length + behind.length);
    for (const { item } of behind) this.#waitingBytes -= item.bytes;
    for (const listener of sent) listener.rejected(error);
    for (const { listener } of behind) listener.rejected(error);
  }
}

/** A message whose sender, unlike a connection, has no part of it at hand. `json`: its data. */
export function publishItem(
  message: { id: string; user: string; conn: string; json: string },
  given: boolean,
): PublishItem {
  const { id, user, conn, json } = message;
  const fragment = messageFragment(id, JSON.stringify(user), JSON.stringify(conn), json);
  return { id, user, fragment, bytes: Buffer.byteLength(fragment), given };
}

function refuse(listener: PublishListener, bound: string, error: PlexusError, trace?: PublishTrace): void {
  refused.inc({ bound });
  trace?.failed(error.code, performance.now());
  outcomes.add(error.code);
  listener.rejected(error);
}

/** Into memory that is shared with others: an ArrayBuffer for each costs more than what is written to it. */
const pooled = (text: string): Uint8Array => Buffer.from(text);

/**
 * What is asked of an actor for these. Throws where one does not have the bytes that it says. Its lists have just their
 * length: what is on its way is copied by V8's collector, and one that grows has room for 17.
 */
export function publishBatch(items: readonly PublishItem[]): PublishBatch {
  const fragments: string[] = new Array(items.length);
  const lengths: number[] = new Array(items.length);
  let ids: PublishId[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const { id, user, fragment, bytes, given } = items[i]!;
    if (ids === undefined) ids = [[i, id, user, given]];
    else if (given || items[i - 1]!.given) ids.push([i, id, user, given]);
    fragments[i] = fragment;
    lengths[i] = bytes;
  }
  return [joinFragments(fragments, lengths, pooled).bytes, lengths, ids ?? []];
}

/** With lists of just their length, as above. */
function sentOf(batch: readonly Waiting[]): Sent {
  const listeners: PublishListener[] = new Array(batch.length);
  const acceptedAt: number[] = new Array(batch.length);
  for (let i = 0; i < batch.length; i++) {
    listeners[i] = batch[i]!.listener;
    acceptedAt[i] = batch[i]!.acceptedAt;
  }
  return { listeners, acceptedAt };
}

function accept(
  { listeners, acceptedAt }: Sent,
  [epoch, first, at, items]: PublishAnswer,
  now: number,
): void {
  outcomes.add("ok", listeners.length);
  for (let i = 0; i < listeners.length; i++) {
    const listener = listeners[i]!;
    publishSeconds.add((now - acceptedAt[i]!) / 1_000);
    if (items === undefined) listener.published(epoch, first + i, at, false);
    else listener.published(epoch, ...items[i]!);
  }
}

function endTraces(
  traced: readonly TracedItem[],
  error: PlexusError | null,
  answer: PublishAnswer | null,
): void {
  const now = performance.now();
  for (const { index, trace } of traced) {
    if (answer === null) {
      trace.failed(error!.code, now);
      continue;
    }
    const [seq, , dup] = publishedAt(answer, index);
    trace.stored(answer[0], seq, dup, now);
  }
}
