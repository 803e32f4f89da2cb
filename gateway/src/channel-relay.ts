import {
  lastTime,
  type Member,
  opOf,
  type Position,
  type RecordHead,
  readHead,
  splitChannelKey,
  subjects,
  TRACE_HEADER,
} from "@plexus/protocol";
import type { CommandKind, Commands, HeadAnswer, Msg, Subscription, TailBytes } from "@plexus/runtime";
import { homeOf, jitteredMs, newContext, subscribe } from "@plexus/runtime";
import { Announcer } from "./announcer.js";
import { type AskedTogether, headAmong } from "./heads.js";
import { type LatestReader, LatestReaders } from "./latest-readers.js";
import * as metrics from "./metrics.js";
import { PresenceKeeper } from "./presence-keeper.js";
import { RELAY_BOUNDS, Relay, type RelayEffect } from "./relay.js";
import type { RelayContext } from "./relay-context.js";

/** Messages fetched at once when a gap is repaired or a tail is filled. */
const FETCH_MESSAGES = 1_000;
const RETRY_MS = 250;
/** Interest may take a moment to cross servers: the head is looked at again so soon after the first time. */
const FIRST_CHECK_MS = 300;
/** And so often from then on: the bus may have lost the last record, or a change of the members. */
export const CHECK_INTERVAL_MS = 30_000;
/** A channel in which this gateway has members is compared more often: the cell's actor may have lost one. */
const MEMBERS_CHECK_INTERVAL_MS = 10_000;
/** Until the members are compared, where the actor could not say yet whom it knows. */
const PRESENCE_CHECK_MS = 1_000;

/** Records are kept for recoveries so long, at the most. */
const TAIL_KEEP_MS = 120_000;

/** Who runs the relays of a gateway. */
export interface RelayOwner {
  readonly context: RelayContext;
  /** Counts the bytes of all their tails. */
  readonly tails: TailBytes;
  /** The time of the relay's next comparison has been set. */
  due(relay: ChannelRelay): void;
}

/**
 * Runs one channel's {@link Relay} and presence: the subscription on the bus, the questions to the actor, and
 * the fan-out to this gateway's subscribers.
 */
export class ChannelRelay {
  readonly key: string;
  readonly tenant: string;
  readonly channel: string;
  readonly relay: Relay;
  /** Resolves once the position is known; rejects if the actor does not answer in time. */
  readonly opened: Promise<void>;
  /** How many connections here are subscribed or about to be. */
  subscribers = 0;
  unusedSince = 0;
  /** When the head is to be compared next. */
  #nextCheckAt = Number.POSITIVE_INFINITY;
  /** The cell that was the channel's home when that was last looked at. */
  home: string | undefined;
  readonly #owner: RelayOwner;
  readonly #context: RelayContext;
  readonly #subscription: Subscription;
  /** These three are made when they are needed first: in most channels nobody is a member, and nobody is spared. */
  #announcer: Announcer | undefined;
  #presence: PresenceKeeper | undefined;
  #latest: LatestReaders | undefined;
  #filling: Promise<void> | undefined;
  #checking: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** What the comparison under way will bring is out of date already: ask again before it counts. */
  #outdated = false;
  #stopped = false;
  /** Frames handed to sockets, ever. */
  #handed = 0;

  constructor(owner: RelayOwner, key: string, tenant: string, channel: string) {
    const { context } = owner;
    this.key = key;
    this.tenant = tenant;
    this.channel = channel;
    this.#owner = owner;
    this.#context = context;
    this.relay = new Relay(RELAY_BOUNDS, owner.tails);
    this.#subscription = subscribe(context.nats, subjects.event(tenant, channel), context.log, (message) =>
      this.#onEvent(message),
    );
    this.home = this.lookUpHome();
    this.opened = this.#open();
  }

  get position(): Position {
    return this.relay.position!;
  }

  /** This gateway's members of the channel, and what its actor knows of them. */
  get announcer(): Announcer {
    const { tenant, channel } = this;
    this.#announcer ??= new Announcer({ ...this.#context, tenant, channel });
    return this.#announcer;
  }

  /** All members of the channel, for those who watch them. */
  get presence(): PresenceKeeper {
    this.#presence ??= new PresenceKeeper(this.#context, this);
    return this.#presence;
  }

  /** Subscribers that are spared what they can't take; none where slow readers are closed. */
  get latest(): LatestReaders {
    this.#latest ??= new LatestReaders(this);
    return this.#latest;
  }

  /** The actor has heard of all of this gateway's members. */
  get isAnnounced(): boolean {
    return this.#announcer?.settled ?? true;
  }

  announceAgain(): void {
    this.#announcer?.announceAgain();
  }

  /** A connection is a member from now on: with the first one of this gateway, heads are compared more often. */
  memberJoined(member: Member): void {
    if (this.#ownMembers === 0)
      this.checkAt(Math.min(this.#nextCheckAt, performance.now() + MEMBERS_CHECK_INTERVAL_MS));
    this.announcer.put(member);
  }

  /** A connection is no member any more, or never was. */
  memberLeft(conn: string): void {
    this.#announcer?.remove(conn);
  }

  /** A connection is no subscriber any more. */
  readerLeft(reader: LatestReader): void {
    this.#latest?.leave(reader);
  }

  /** Whether subscribers that can't keep up get the latest record only. */
  get isLatestOnly(): boolean {
    return this.#context.settings.of(this.tenant, this.channel).slowReader === "latest";
  }

  lookUpHome(): string | undefined {
    return homeOf(this.#context.directory.current, this.tenant, this.channel)?.cell;
  }

  /**
   * Asks the actor where the channel stands, and lets the relay and the view of its members catch up.
   *
   * @param asked where it was asked just now, together with others
   */
  check(asked?: AskedTogether): Promise<void> {
    this.#checking ??= this.#head(asked).finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** The same with a question that is asked from now on: one that is under way may tell what was so before. */
  checkAnew(): Promise<void> {
    if (this.#checking === undefined) return this.check();
    const next = () => {
      this.#next = undefined;
      return this.check();
    };
    this.#next ??= this.#checking.then(next, next);
    return this.#next;
  }

  /** Fills the tail backwards from the actor, once for all who wait for it. */
  fillTail(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  get nextCheckAt(): number {
    return this.#nextCheckAt;
  }

  /** Has the head compared at that time, or soon after it; in place of any other time. */
  checkAt(at: number): void {
    this.#nextCheckAt = at;
    this.#owner.due(this);
  }

  /** Forgets what is too old to be handed to anybody. */
  dropOldTail(now: number): void {
    const { ageMs } = this.#context.settings.of(this.tenant, this.channel).retention;
    this.relay.tail.dropBefore(now - Math.min(ageMs, TAIL_KEEP_MS));
  }

  stop(): void {
    this.#stopped = true;
    this.relay.tail.clear();
    this.#subscription.unsubscribe();
    this.#announcer?.stop();
  }

  get #ownMembers(): number {
    return this.#announcer?.size ?? 0;
  }

  async #open(): Promise<void> {
    await this.check();
    this.checkAt(performance.now() + FIRST_CHECK_MS);
  }

  async #head(asked: AskedTogether | undefined): Promise<void> {
    const intervalMs = this.#ownMembers > 0 ? MEMBERS_CHECK_INTERVAL_MS : CHECK_INTERVAL_MS;
    this.checkAt(performance.now() + jitteredMs(intervalMs));
    let epoch: string | null;
    let answer: HeadAnswer;
    let together = asked;
    do {
      this.#outdated = false;
      epoch = this.relay.position?.epoch ?? null;
      const found = together && (await headAmong(together));
      answer = found ?? (await this.#ask("head", { gateway: this.#context.gateway }));
      together = undefined;
      if (this.#stopped) return;
    } while (this.#outdated);
    if (epoch !== (this.relay.position?.epoch ?? null)) this.checkAt(performance.now() + FIRST_CHECK_MS);
    this.relay.headSeen(epoch, answer.head, performance.now());
    this.#runEffects();
    this.#comparePresence(answer);
  }

  #comparePresence(answer: HeadAnswer): void {
    if (answer.presence === null) {
      // Switched off, or the actor is still finding out who was there: that takes it no longer than this.
      if (this.#context.settings.of(this.tenant, this.channel).presence)
        this.checkAt(Math.min(this.#nextCheckAt, performance.now() + PRESENCE_CHECK_MS));
      return;
    }
    if (this.isAnnounced && answer.members !== this.#ownMembers) this.announceAgain();
    this.#presence?.versionSeen(answer.presence);
  }

  async #fill(): Promise<void> {
    const { epoch, seq } = this.position;
    const before = this.relay.tail.oldest ?? seq + 1;
    const { head, state, records } = await this.#ask("read", { before, epoch, limit: FETCH_MESSAGES });
    if (state !== "ok" || head.epoch !== this.position.epoch) return;
    const now = performance.now();
    const older = records.map((bytes) => ({ bytes, at: now, ...seqs(bytes) }));
    // What arrived while the answer was on its way is in the tail already.
    const edge = this.relay.tail.oldest ?? this.position.seq + 1;
    const fitting = older.filter((record) => record.seq + record.n <= edge);
    const last = fitting.at(-1);
    if (last !== undefined && last.seq + last.n === edge) this.relay.tail.prepend(fitting);
  }

  #onEvent(message: Msg): void {
    const bytes = message.data;
    switch (opOf(bytes)) {
      case "msg": {
        const head = readHead(bytes);
        if (head === null)
          return this.#context.log.error({ ...splitChannelKey(this.key) }, "event is no record");
        if (this.#context.tracer.active) this.#traced(message, head);
        else this.#onRecord(head, bytes);
        return;
      }
      case "open":
        // Restored from a backup, for example: what it says is compared soon, at the sweep's pace.
        if (readHead(bytes)?.epoch !== this.relay.position?.epoch) this.checkAt(performance.now());
        return;
      case "signal":
        return void this.#handOut(bytes, 1);
      case "presence":
        return this.#presence?.event(bytes);
    }
  }

  #onRecord(head: RecordHead, bytes: Uint8Array): void {
    metrics.records.add();
    // It puts off no comparison: that finds more than records that were lost, and nothing would be due while they come.
    this.relay.record(head, bytes, performance.now());
    this.#runEffects();
  }

  /** The same, with a span of it where the record carries a trace. */
  #traced(message: Msg, head: RecordHead): void {
    const { tracer } = this.#context;
    const context = tracer.carried(this.key, () => message.headers?.get(TRACE_HEADER));
    const [from, handed] = [performance.now(), this.#handed];
    this.#onRecord(head, message.data);
    if (context === null) return;
    tracer.ended(this.key, {
      stage: "fan_out",
      context: newContext(context, context.sampled),
      parent: context.span,
      from,
      to: performance.now(),
      facts: { seq: head.seq, messages: head.n, epoch: head.epoch, receivers: this.#handed - handed },
    });
  }

  #runEffects(): void {
    for (const effect of this.relay.takeEffects()) this.#run(effect);
  }

  #run(effect: RelayEffect): void {
    switch (effect.do) {
      case "deliver":
        if (this.#latest !== undefined && this.#latest.size > 0) this.#latest.spare(before(effect.bytes));
        return this.#deliver(effect.bytes, effect.n);
      case "reset": {
        metrics.resets.inc();
        this.#context.log.warn(
          { ...splitChannelKey(this.key), position: effect.position },
          "channel goes on elsewhere",
        );
        const frame = { op: "reset", ch: this.channel, ...effect.position, recovered: false };
        return void this.#handOut(Buffer.from(JSON.stringify(frame)), 0);
      }
      case "fetch":
        return this.#in(effect.inMs, () => this.#repair());
      case "lookup":
        return this.#in(effect.inMs, () => this.#lookUp());
    }
  }

  /** Gives a frame with so many messages to the subscribers, at the tenant's expense. */
  #handOut(bytes: Uint8Array, messages: number): number {
    const { fanOut, tenants } = this.#context;
    const receivers = fanOut.publish(this.key, "messages", bytes);
    this.#handed += receivers;
    tenants.delivered(this.tenant, receivers * messages, performance.now());
    return receivers;
  }

  #deliver(bytes: Uint8Array, messages: number): void {
    const receivers = this.#handOut(bytes, messages);
    const madeAt = receivers > 0 ? lastTime(bytes) : null;
    // The clocks of two machines may differ: what came before it was made took no time.
    if (madeAt !== null) metrics.deliverSeconds.add(Math.max(0, Date.now() - madeAt) / 1_000, receivers);
  }

  /** Now, or after about so long: relays that fell into the same trouble do not ask all at once. */
  #in(ms: number | undefined, ask: () => Promise<void>): void {
    if (ms === undefined) return void ask();
    const later = () => {
      if (!this.#stopped) void ask();
    };
    setTimeout(later, jitteredMs(ms)).unref();
  }

  async #lookUp(): Promise<void> {
    this.#outdated = this.#checking !== undefined;
    await this.check().catch((error: unknown) => this.#askFailed(error));
  }

  async #repair(): Promise<void> {
    metrics.repairs.inc();
    try {
      const { epoch, seq: after } = this.position;
      const answer = await this.#ask("read", { after, epoch, limit: FETCH_MESSAGES });
      if (this.#stopped) return;
      const records = answer.records.map((bytes) => ({ bytes, head: readHead(bytes)! }));
      this.relay.fetched(epoch, answer, records, performance.now());
      this.#runEffects();
    } catch (error) {
      this.#askFailed(error);
    }
  }

  #askFailed(error: unknown): void {
    this.#context.log.warn({ err: error, ...splitChannelKey(this.key) }, "a relay could not be repaired yet");
    this.relay.askFailed();
    this.checkAt(performance.now() + jitteredMs(RETRY_MS));
  }

  #ask<K extends CommandKind>(kind: K, body: Commands[K]["ask"]): Promise<Commands[K]["answer"]> {
    return this.#context.router.ask(kind, this.tenant, this.channel, body);
  }
}

/** The position that a record follows on. */
function before(bytes: Uint8Array): Position {
  const { epoch, seq } = readHead(bytes)!;
  return { epoch, seq: seq - 1 };
}

function seqs(bytes: Uint8Array): { seq: number; n: number } {
  const { seq, n } = readHead(bytes)!;
  return { seq, n };
}
