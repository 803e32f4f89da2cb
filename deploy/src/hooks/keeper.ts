import type { JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import { subjects } from "@plexus/protocol";
import {
  type Alive,
  type AliveAnswer,
  LIFECYCLE_STREAM,
  type LifecycleEvent,
  type Logger,
  type NatsConnection,
  type RosterPart,
  StreamWriter,
  type Subscription,
  subscribe,
} from "@plexus/runtime";
import { Fold } from "./fold.js";
import * as metrics from "./metrics.js";
import { RosterSweeper } from "./roster-sweeper.js";
import { StreamReader } from "./stream-reader.js";

const TICK_MS = 250;
/** A tick, or the bus's answer, that comes so late means that nobody could be heard meanwhile. */
const LATE_MS = 2_000;
const READ_AHEAD = 1_000;
/** Debts handed to the writer at once. */
const MAX_WRITING = 5_000;
/** What was written, and is not seen in the stream after this, is written again; the stream knows it by its id. */
const SEEN_WITHIN_MS = 10_000;

export interface KeeperContext {
  nats: NatsConnection;
  client: JetStreamClient;
  manager: JetStreamManager;
  isActive: () => boolean;
  vacateAfterMs: number;
  gatewayLeaseMs: number;
  log: Logger;
}

/** Follows the stream of lifecycle events, and while it is the active one writes what follows from it. */
export class Keeper {
  readonly #context: KeeperContext;
  readonly #fold: Fold;
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  readonly #sweeper: RosterSweeper;
  readonly #alive: Subscription;
  readonly #timer: NodeJS.Timeout;
  /** When each run of a gateway was last heard. */
  readonly #heard = new Map<string, number>();
  /** Those that were asked for a roster by this process. */
  readonly #asked = new Set<string>();
  /** What was written, until it is seen. */
  readonly #handed = new Set<string>();
  #handedAt = 0;
  #tickedAt = performance.now();
  /** When the bus was asked whether it is there, until it has answered. */
  #askedBusAt: number | null = null;
  #caughtUp = false;

  private constructor(context: KeeperContext, lastSeq: number) {
    this.#context = context;
    const { nats, client, manager, log } = context;
    this.#fold = new Fold(context.vacateAfterMs);
    this.#caughtUp = lastSeq === 0;
    this.#sweeper = new RosterSweeper(manager, log);
    const open = async () => client;
    this.#reader = new StreamReader({ nats, open, stream: LIFECYCLE_STREAM, ahead: READ_AHEAD, log });
    const onStored = () => undefined;
    const bounds = { maxWaiting: Number.POSITIVE_INFINITY, onDropped: () => undefined, onStored };
    this.#writer = new StreamWriter(nats, "keeper", bounds, log);
    this.#alive = subscribe(nats, subjects.gatewayAlive, log, (message) => {
      const answer = this.#hear(message.json<Alive>().source);
      if (answer !== null && message.reply) message.respond(JSON.stringify(answer));
    });
    void this.#read(lastSeq);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  static async start(context: KeeperContext): Promise<Keeper> {
    const { state } = await context.manager.streams.info(LIFECYCLE_STREAM);
    return new Keeper(context, state.messages === 0 ? 0 : state.last_seq);
  }

  /** Why it is not ready: undefined if it is. */
  get problem(): string | undefined {
    return this.#caughtUp ? undefined : "still reading the stream";
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#alive.unsubscribe();
    this.#reader.stop();
    this.#writer.stop();
  }

  async #read(lastSeq: number): Promise<void> {
    for await (const message of this.#reader.read({ after: 0 })) {
      try {
        this.#take(message);
      } catch (error) {
        this.#context.log.error({ err: error, subject: message.subject }, "malformed entry in the stream");
      }
      if (message.seq >= lastSeq) this.#caughtUp = true;
      metrics.lag.set(message.info.pending);
      if (message.info.pending === 0) this.#write();
    }
  }

  #take(message: JsMsg): void {
    const now = performance.now();
    switch (message.subject.slice(0, message.subject.indexOf("."))) {
      case "life":
        return this.#takeEvent(message.json<LifecycleEvent>(), now);
      case "roster": {
        const part = message.json<RosterPart>();
        this.#fold.takeRoster(part, now);
        return this.#sweeper.seen(part, message.seq);
      }
      case "ended": {
        const { source, ts } = message.json<{ source: string; ts: number }>();
        this.#fold.takeEnd(source, ts, now);
        this.#heard.delete(source);
        this.#asked.delete(source);
        return this.#sweeper.ended(source);
      }
    }
  }

  #takeEvent(event: LifecycleEvent, now: number): void {
    this.#handed.delete(event.id);
    this.#fold.take(event, now);
  }

  #hear(source: string): AliveAnswer | null {
    if (this.#fold.hasEnded(source)) return { source, ended: true };
    this.#heard.set(source, performance.now());
    // What it holds may be more than the stream says.
    if (!this.#caughtUp || this.#asked.has(source) || !this.#context.isActive()) return null;
    this.#asked.add(source);
    return { source, roster: true };
  }

  #tick(): void {
    const now = performance.now();
    const stoodStill = now - this.#tickedAt > TICK_MS + LATE_MS || this.#isDeaf(now);
    this.#tickedAt = now;
    if (!this.#caughtUp) return;
    this.#fold.tick(now, Date.now());
    const { connections, channels } = this.#fold.size;
    metrics.connections.set(connections);
    metrics.channels.set(channels);
    metrics.owed.set(this.#fold.owes);
    for (const source of this.#fold.sources)
      if (stoodStill || !this.#heard.has(source)) this.#heard.set(source, now);
    if (!this.#context.isActive()) return this.#standBy();
    this.#endSilent(now);
    this.#write();
    this.#sweeper.run(this.#fold.owes === 0);
  }

  /** Whether the bus has not answered for a while: then it is not the gateways that are silent. */
  #isDeaf(now: number): boolean {
    const deaf = this.#askedBusAt !== null && now - this.#askedBusAt > LATE_MS;
    if (this.#askedBusAt === null) {
      this.#askedBusAt = now;
      const answered = () => {
        this.#askedBusAt = null;
      };
      this.#context.nats.flush().then(answered, answered);
    }
    return deaf;
  }

  /** Gateways that were not heard for their lease are over. */
  #endSilent(now: number): void {
    for (const [source, heardAt] of this.#heard) {
      if (now - heardAt < this.#context.gatewayLeaseMs) continue;
      this.#heard.set(source, now);
      this.#context.log.warn({ source }, "a gateway was not heard for its lease: what it held has ended");
      const data = JSON.stringify({ source, ts: Date.now() });
      this.#writer.add({ subject: subjects.sourceEnded(source), id: `${source}.ended`, data });
    }
  }

  /** Whoever is active writes what is owed; what this process was about to write may be over by now. */
  #standBy(): void {
    if (this.#writer.waiting > 0) this.#writer.clear();
    this.#handed.clear();
  }

  #write(): void {
    if (!this.#caughtUp || !this.#context.isActive() || this.#writer.waiting > 0) return;
    const now = performance.now();
    if (now - this.#handedAt > SEEN_WITHIN_MS) this.#handed.clear();
    for (const event of this.#fold.owed) {
      if (this.#handed.has(event.id)) continue;
      if (this.#writer.waiting >= MAX_WRITING) break;
      this.#handed.add(event.id);
      this.#handedAt = now;
      metrics.derived.inc({ kind: event.kind });
      const subject = subjects.lifecycle(event.tenant, event.kind, event.ch);
      this.#writer.add({ subject, id: event.id, data: JSON.stringify(event) });
    }
  }
}
