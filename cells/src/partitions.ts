import { subjects } from "@plexus/protocol";
import {
  isNoResponders,
  type Logger,
  type Msg,
  type NatsConnection,
  PARTITIONS,
  partitionOwner,
  type Subscription,
  settledSoon,
  subscribe,
  whoAnswers,
} from "@plexus/runtime";
import { BEAT_INTERVAL_MS, MEMBER_TTL_MS, Membership } from "./membership.js";
import * as metrics from "./metrics.js";

/** Until two workers that hear each other again agree on who owns what. */
const SETTLE_MS = 3 * BEAT_INTERVAL_MS;
/** By then what the others had under way when they learned of it is in the log, or never will be. */
const LAST_DOUBT_MS = 4_000;

interface Beat {
  id: string;
  leaving?: true;
  /** It has just started, and serves nothing yet. */
  starting?: true;
}

export interface PartitionsListener {
  /** `to`: a partition that is owned, or this worker, which may not own what the commands are for (any more). */
  command(message: Msg, to: "partition" | "worker"): void;
  /** Partitions in `lost` are served by others from now on, or were for a while: what is in memory may be out of date. */
  lost(lost: ReadonlySet<number>): void;
  /** Who owns what has changed: before everybody knew, others may have served what is owned here. */
  doubted(): void;
}

/**
 * Which partitions of the cell this worker owns: every worker hears the others' heartbeats and computes the
 * same owners. While two disagree both may serve a partition; the fence of the log decides between them.
 */
export class Partitions {
  readonly #nats: NatsConnection;
  readonly #cell: string;
  readonly #id: string;
  readonly #log: Logger;
  readonly #listener: PartitionsListener;
  readonly #membership: Membership;
  readonly #owned = new Map<number, Subscription>();
  #workers: string[] = [];
  #lastTickAt = performance.now();
  /** How often this process was paused, and whether what it missed is still coming in. */
  #pauses = 0;
  #catchingUp = false;
  #beats: Subscription | undefined;
  #presence: Subscription | undefined;
  #direct: Subscription | undefined;
  readonly #asked = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: {
    nats: NatsConnection;
    cell: string;
    id: string;
    log: Logger;
    listener: PartitionsListener;
  }) {
    this.#nats = context.nats;
    this.#cell = context.cell;
    this.#id = context.id;
    this.#log = context.log;
    this.#listener = context.listener;
    this.#membership = new Membership(context.id);
  }

  /**
   * Listens for the others for a little more than one heartbeat, then claims what is this worker's; only then do the
   * others let go of it.
   */
  async start(): Promise<void> {
    this.#beats = subscribe(this.#nats, subjects.beat(this.#cell), this.#log, (message) =>
      this.#onBeat(message.json<Beat>()),
    );
    const alive = subjects.aliveWorker(this.#cell, this.#id);
    this.#presence = subscribe(this.#nats, alive, this.#log, (message) => message.respond());
    const direct = subjects.commandAt(this.#cell, this.#id);
    this.#direct = subscribe(this.#nats, direct, this.#log, (message) => {
      // Whoever was answered is gone.
      if (!isNoResponders(message)) this.#onCommand(message, "worker");
    });
    this.#beat();
    await new Promise((resolve) => setTimeout(resolve, BEAT_INTERVAL_MS * 1.5));
    this.#lastTickAt = performance.now();
    this.#assign(this.#lastTickAt);
    this.#timer = setInterval(() => this.#tick(), BEAT_INTERVAL_MS);
    this.#tick();
  }

  get owned(): ReadonlySet<number> {
    return new Set(this.#owned.keys());
  }
  owns(partition: number): boolean {
    return this.#owned.has(partition);
  }
  get workers(): readonly string[] {
    return this.#workers;
  }
  /** What comes in now has waited while this process was paused. What waited is read before the timer that notices. */
  get isBehind(): boolean {
    return this.#catchingUp || performance.now() - this.#lastTickAt > MEMBER_TTL_MS;
  }

  /** Says good-bye, so that the others take over at once, and stops serving. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined; // what is still waited for changes nothing any more
    this.#nats.publish(subjects.beat(this.#cell), JSON.stringify({ id: this.#id, leaving: true }));
    this.#beats?.unsubscribe();
    this.#presence?.unsubscribe();
    // What the server has sent already is still dealt with: dropped, it would be waited for.
    const served = [...this.#owned.values()];
    if (this.#direct !== undefined) served.push(this.#direct);
    await settledSoon(Promise.all(served.map((subscription) => subscription.drain())));
    this.#owned.clear();
  }

  #onBeat(beat: Beat): void {
    if (beat.id === this.#id) return;
    const now = performance.now();
    const serves = this.#timer !== undefined;
    if (beat.starting && serves) return this.#meet(beat.id, now);
    const known = serves ? this.#workers.includes(beat.id) : this.#membership.knows(beat.id);
    if (beat.leaving) this.#membership.left(beat.id);
    else if (this.#membership.heard(beat.id, now)) this.#comesBack();
    // Of two that start at the same time, too, each counts on the other from the first moment on.
    if (!known && !beat.leaving) this.#beat();
    if (known === (beat.leaving === true) && serves) this.#assign(now);
  }

  /** Answers a newcomer at once, so that it knows of this one before it claims anything. */
  #meet(newcomer: string, now: number): void {
    this.#beat();
    if (!this.#workers.includes(newcomer)) return;
    // It was killed and is back, before anybody noticed.
    this.#membership.left(newcomer);
    this.#assign(now);
  }

  /**
   * Two that did not hear each other have both served everything. Publishes are safe by the fence; but what this one
   * would say of a channel in which the other has stored something since is too old. By then both know whose is what.
   */
  #comesBack(): void {
    const settled = () => {
      if (this.#timer !== undefined) this.#listener.lost(this.owned);
    };
    setTimeout(settled, SETTLE_MS).unref();
  }

  #beat(): void {
    const beat: Beat = { id: this.#id, ...(this.#timer === undefined && { starting: true }) };
    this.#nats.publish(subjects.beat(this.#cell), JSON.stringify(beat));
  }

  #tick(): void {
    const now = performance.now();
    const pausedMs = now - this.#lastTickAt;
    this.#lastTickAt = now;
    this.#beat();
    if (pausedMs > MEMBER_TTL_MS) {
      // Stopped or starved: the others have taken over, and what is in memory may be out of date.
      this.#log.warn({ pausedMs }, "this process was paused, starting over");
      this.#listener.lost(this.owned);
      this.#membership.forgetAll();
      this.#dropWhatWaited();
      return;
    }
    this.#assign(now);
    for (const id of this.#membership.overdue(now)) if (!this.#asked.has(id)) void this.#ask(id);
  }

  /**
   * Of a process that was killed the bus knows at once: nobody is there under its name. One that hangs, or that can't be
   * reached, is merely silent, and given its time.
   */
  async #ask(id: string): Promise<void> {
    this.#asked.add(id);
    const answer = await whoAnswers(this.#nats, subjects.aliveWorker(this.#cell, id), MEMBER_TTL_MS);
    this.#asked.delete(id);
    if (answer !== "nobody" || this.#timer === undefined) return;
    this.#log.warn({ worker: id }, "a worker is gone");
    this.#membership.giveUp(id);
    this.#assign(performance.now());
  }

  /**
   * Commands that waited out a pause were sent again to whoever took over, and may be older than the window in
   * which their ids are known: carried out now, they could be stored twice. They have all come in once the server
   * answers a ping, since it keeps the order.
   */
  #dropWhatWaited(): void {
    const pause = ++this.#pauses;
    this.#catchingUp = true;
    const done = () => {
      if (pause === this.#pauses) this.#catchingUp = false;
    };
    this.#nats.flush().then(done, done);
  }

  #onCommand(message: Msg, to: "partition" | "worker"): void {
    if (this.isBehind) return metrics.droppedCommands.inc();
    this.#listener.command(message, to);
  }

  #assign(now: number): void {
    const workers = this.#membership.live(now);
    if (workers.join() === this.#workers.join()) return;
    this.#workers = workers;
    const lost = new Set<number>();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const mine = partitionOwner(partition, workers) === this.#id;
      if (mine && !this.#owned.has(partition)) this.#take(partition);
      else if (!mine && this.#owned.has(partition)) lost.add(partition);
    }
    for (const partition of lost) {
      // What the server has sent already is told to ask elsewhere: dropped, it would be waited for.
      void settledSoon(this.#owned.get(partition)!.drain());
      this.#owned.delete(partition);
    }
    metrics.partitions.set(this.#owned.size);
    metrics.peers.set(workers.length);
    this.#log.info({ workers, owned: this.#owned.size, lost: lost.size }, "partitions assigned");
    if (lost.size > 0) this.#listener.lost(lost);
    for (const inMs of [SETTLE_MS, LAST_DOUBT_MS])
      setTimeout(() => {
        if (this.#timer !== undefined) this.#listener.doubted();
      }, inMs).unref();
  }

  /**
   * Without a queue group: it would go on giving a share of the commands to a worker that hangs, long after it was
   * replaced. Where two serve, the fence and the ids see to it that doing a thing twice changes nothing.
   */
  #take(partition: number): void {
    const subject = subjects.command(this.#cell, partition);
    const handle = (message: Msg) =>
      this.#onCommand(message, this.#owned.has(partition) ? "partition" : "worker");
    this.#owned.set(partition, subscribe(this.#nats, subject, this.#log, handle));
  }
}
