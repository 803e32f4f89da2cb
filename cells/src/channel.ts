/**
 * The channel: what an actor knows and decides, without clock, bus or log. Commands and outcomes go in, effects
 * come out, to be run by `actor.ts`.
 *
 *   cold ──load──▶ idle ──append──▶ appending ──appended──▶ idle
 *                                       │ refused or no answer
 *                                       ▼
 *                                   verifying ──load──▶ (ours after all: appended) (not stored: append again)
 *                                                       (another writer: closed)
 *   idle ──seal──▶ appending ──appended──▶ sealed        (given to another cell: it hands over, and serves no more)
 *   cold ──load──▶ absent                                (never written to, and at home elsewhere)
 *
 * One append is under way at a time; meanwhile the mailbox gathers, and the next record takes all of it (group
 * commit). Each append is fenced by the log sequence of the record before it, so of two actors that both
 * believe to be home only one can store.
 */
import { encodeControl, encodeRecord, type Position } from "@plexus/protocol";
import {
  type Handover,
  type PublishBatch,
  type ReleaseAnswer,
  type Segment,
  Tail,
  type WireError,
} from "@plexus/runtime";
import {
  CHANNEL_BOUNDS,
  type ChannelBounds,
  type ChannelEffect,
  type ChannelState,
  type Held,
  type LoadedChannel,
  MAILBOX_FULL,
  nothingHeld,
  type StoredId,
  type TakenBatch,
  WINDOW_FULL,
} from "./channel-types.js";
import { Idempotency, type NewId } from "./idempotency.js";
import type { StoredRecord } from "./log.js";
import { Mailbox } from "./mailbox.js";

export * from "./channel-types.js";

/** How often one record is offered to the log again when there is no answer. */
const MAX_APPENDS = 3;
/** If more ids than that may come again, the new home reads them from the log; a hand-over has to fit one message. */
const MAX_HANDED_IDS = { ids: 4_000, bytes: 384 * 1024 };
const MAX_HANDED_TAIL_BYTES = 256 * 1024;

const MOVED: WireError = ["moved", "ask again", null];
/** The same for what is on its way to the log: whoever hears no more than this must not take it for not stored. */
const MOVED_UNSURE: WireError = ["moved", "ask again", null, true];

/** The record that is on its way to the log. */
interface Appending<To> {
  readonly bytes: Uint8Array;
  readonly seq: number;
  readonly n: number;
  readonly ts: number;
  readonly ids: readonly NewId[];
  readonly taken: readonly TakenBatch<To>[];
  /** A record without messages: a seal that gives the channel to a cell, or a new note of where its past is. */
  readonly control: { seal: string } | { past: Segment[] } | null;
  attempts: number;
}

export class Channel<To> {
  readonly name: string;
  readonly cell: string;
  readonly tail: Tail;
  #state: ChannelState = "cold";
  #position: Position = { epoch: "", seq: 0 };
  #fence = 0;
  #fresh = true;
  /** Never written to, and at home elsewhere: also while its empty log is being sealed, nothing is known here. */
  #absent = false;
  #past: Segment[] = [];
  #stretch = { first: 1, opened: 0 };
  /** Cells that asked for the channel; the first one gets it. */
  #releases: Array<{ cell: string; to: To }> = [];
  #given: { cell: string; handover: Handover } | null = null;
  /** The oldest seq that is still kept, where the note of the past has to be written anew. */
  #reopenFrom: number | null = null;
  readonly #mailbox: Mailbox<To>;
  #appending: Appending<To> | null = null;
  #newestAt = 0;
  readonly #ids: Idempotency;
  #closeReason: WireError = MOVED;
  #effects: ChannelEffect<To>[] = [];

  constructor(
    name: string,
    cell: string,
    bounds: ChannelBounds = CHANNEL_BOUNDS,
    held: Held = nothingHeld(),
  ) {
    this.name = name;
    this.cell = cell;
    this.#mailbox = new Mailbox(bounds);
    this.#ids = new Idempotency(bounds.windowIds, held.madeIds);
    this.tail = new Tail({ maxRecords: bounds.tailRecords, maxBytes: bounds.tailBytes }, held.tails);
  }

  get state(): ChannelState {
    return this.#state;
  }
  get position(): Position {
    return this.#position;
  }
  get fence(): number {
    return this.#fence;
  }
  /** Log sequence of the record that opened the present stretch; 0 if none did. */
  get opened(): number {
    return this.#stretch.opened;
  }
  /** Where the channel's messages are, the present stretch last. */
  get segments(): Segment[] {
    const { first, opened } = this.#stretch;
    const last = this.#position.seq;
    if (last < first) return this.#past;
    return [...this.#past, { cell: this.cell, first, last, low: Math.max(1, opened), high: this.#fence }];
  }
  /** No record was ever stored. */
  get isFresh(): boolean {
    return this.#fresh;
  }
  get newestAt(): number {
    return this.#newestAt;
  }
  get mailboxMessages(): number {
    return this.#mailbox.messages;
  }
  /** Whether commands for the channel are answered here, rather than with `moved`. */
  get serves(): boolean {
    return !this.#absent && this.#state !== "sealed" && this.#state !== "closed";
  }
  /** Why the actor is done for. */
  get closeReason(): WireError {
    return this.#closeReason;
  }
  /** Nothing is under way and nothing waits. */
  get quiet(): boolean {
    return this.#appending === null && this.#mailbox.isEmpty;
  }

  forgetOldIds(now: number): void {
    this.#ids.forgetOld(now);
  }

  /** The effects since the last call, in the order in which they must be run. */
  takeEffects(): ChannelEffect<To>[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Puts a batch of messages into the mailbox, or refuses it whole. */
  publish(body: PublishBatch, to: To, now: number): void {
    if (!this.serves) return this.#refuse(to, this.#state === "closed" ? this.#closeReason : MOVED);
    if (!this.#mailbox.put(body, to, now)) return this.#refuse(to, MAILBOX_FULL);
    if (this.#state === "idle") this.#appendNext(now);
  }

  /** Another cell asks for the channel: seal it after what is under way, and hand it over. */
  release(cell: string, to: To, now: number): void {
    if (this.#state === "closed") return this.#refuse(to, MOVED);
    if (this.#given !== null) return this.#hand(cell, to);
    this.#releases.push({ cell, to });
    if (this.#state === "idle" || this.#state === "absent") this.#appendNext(now);
  }

  /**
   * The log was read for the first time. `serve`: the channel is at home here; otherwise it only waits to be
   * asked for, unless its newest record says that it still lives here.
   */
  loaded(loaded: LoadedChannel, serve: boolean, now: number): void {
    if (this.#state !== "cold") return;
    this.#position = loaded.position;
    this.#fence = loaded.fence;
    this.#fresh = loaded.fresh;
    this.#past = loaded.segments;
    this.#stretch = loaded.stretch;
    this.#newestAt = loaded.newestAt;
    if (loaded.ids !== null) this.#ids.fill(loaded.ids);
    for (const record of loaded.tail) this.tail.push(record);
    if (loaded.sealedTo !== null) return this.#sealed(loaded.sealedTo, now);
    this.#absent = !serve && loaded.fresh;
    this.#state = this.#absent ? "absent" : "idle";
    if (this.#absent) this.#refuseMailbox(MOVED);
    this.#appendNext(now, loaded.newest);
  }

  /**
   * Writes down anew where the past is, as far as it is still kept (from this seq on): the record that said so
   * before stands in the way of trimming.
   */
  reopen(oldestKept: number, now: number): void {
    this.#reopenFrom = oldestKept;
    if (this.#state === "idle") this.#appendNext(now);
  }

  /** The window's ids were read from the log; null: they could not be. */
  windowRead(ids: readonly StoredId[] | null, now: number): void {
    if (this.#ids.state !== "reading") return;
    this.#ids.state = "unread";
    if (ids === null) return this.#refuseMailbox(["unavailable", "the log does not answer", 1_000]);
    this.#ids.fill(ids);
    if (this.#state === "idle") this.#appendNext(now);
  }

  /** The log was read to find out what became of an append. */
  verified(fence: number, last: Uint8Array | null, now: number): void {
    if (this.#state !== "verifying" || this.#appending === null) return;
    if (last !== null && fence > this.#fence && Buffer.compare(last, this.#appending.bytes) === 0) {
      this.#state = "appending";
      return this.appended(fence, now);
    }
    if (fence !== this.#fence) return this.close(MOVED);
    if (this.#appending.attempts >= MAX_APPENDS) return this.failed();
    this.#offer(this.#appending);
  }

  /** The log could not be read. What is under way may be stored or not; nobody knows. */
  loadFailed(): void {
    if (this.#state === "cold") this.close(["unavailable", "the log does not answer", 1_000]);
    else if (this.#state === "verifying") this.failed();
  }

  /** The log stored the record that was under way. */
  appended(logSeq: number, now: number): void {
    const done = this.#appending;
    if (this.#state !== "appending" || done === null) return;
    this.#appending = null;
    if (done.control !== null && "seal" in done.control) return this.#sealed(done.control.seal, now);
    this.#fence = logSeq;
    if (done.control !== null) return this.#reopened(done.control.past, logSeq, now);
    this.#fresh = false;
    this.#newestAt = now;
    this.#position = { epoch: this.#position.epoch, seq: done.seq + done.n - 1 };
    this.tail.push({ seq: done.seq, n: done.n, bytes: done.bytes, at: done.ts });
    for (const id of done.ids) this.#ids.add(id, done.ts);
    for (const taken of done.taken) this.#answer(taken);
    this.#state = "idle";
    this.#appendNext(now);
  }

  /** The fence did not hold, or no answer came: read the log to see what is true. */
  unsure(): void {
    if (this.#state !== "appending") return;
    this.#state = "verifying";
    this.#effects.push({ do: "load" });
  }

  /** The log said no for good: this record is not stored, unless it was offered before and that got no answer. */
  appendRefused(message: string): void {
    if (this.#state !== "appending") return;
    if (this.#appending!.attempts > 1) return this.failed();
    this.#refuseAppending(["unavailable", message, 1_000]);
    this.close(["unavailable", message, 1_000]);
  }

  /** It is not known whether the record under way is stored. */
  failed(): void {
    this.#refuseAppending(["timeout", "the log did not answer", 1_000]);
    this.close(["unavailable", "the log does not answer", 1_000]);
  }

  /** Ends this actor's life; everything that waits is refused. */
  close(error: WireError = MOVED): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#closeReason = error;
    this.#refuseAppending(MOVED_UNSURE);
    this.#refuseMailbox(error);
    for (const { to } of this.#releases) this.#refuse(to, MOVED);
    this.#releases = [];
    this.tail.clear();
    this.#ids.clear();
    this.#effects.push({ do: "close" });
  }

  /** Makes the next record out of the mailbox, as much as fits, and offers it to the log; a seal goes first. */
  #appendNext(now: number, newest: StoredRecord | null = null): void {
    if (this.#releases.length > 0) return this.#seal(this.#releases[0]!.cell, now);
    if (this.#reopenFrom !== null && this.#state === "idle") return this.#reopen(this.#reopenFrom, now);
    if (this.#ids.state !== "read" && !this.#mailbox.isEmpty) return this.#readWindow(newest);
    for (const to of this.#mailbox.takeStale(now)) this.#refuse(to, MOVED);
    while (this.#state === "idle" && !this.#mailbox.isEmpty) {
      const batches = this.#mailbox.take();
      const n = batches.reduce((sum, { body: [, lengths] }) => sum + lengths.length, 0);
      if (!this.#ids.makeRoom(n, now)) {
        for (const { to } of batches) this.#refuse(to, WINDOW_FULL);
        continue;
      }
      const seq = this.#position.seq + 1;
      const { epoch } = this.#position;
      const { parts, n: added, ids, taken } = this.#ids.compose(batches, { epoch, seq }, now);
      if (added === 0) {
        for (const batch of taken) this.#answer(batch);
        continue;
      }
      const bytes = encodeRecord(this.name, epoch, seq, parts, now);
      this.#offer({ bytes, seq, n: added, ts: now, ids, taken, control: null, attempts: 0 });
    }
  }

  #readWindow(newest: StoredRecord | null): void {
    if (this.#ids.state === "reading") return;
    this.#ids.state = "reading";
    this.#effects.push({ do: "window", newest });
  }

  #seal(to: string, now: number): void {
    const { epoch, seq } = this.#position;
    const head = { op: "seal", ch: this.name, epoch, seq: seq + 1, n: 0 } as const;
    const bytes = encodeControl({ ...head, to, fresh: this.#fresh, segments: this.segments });
    this.#offerControl(bytes, { seal: to }, now);
  }

  #reopen(oldestKept: number, now: number): void {
    const { epoch, seq } = this.#position;
    const past = this.segments.filter((segment) => segment.last >= oldestKept);
    this.#reopenFrom = null;
    const head = { op: "open", ch: this.name, epoch, seq: seq + 1, n: 0 } as const;
    this.#offerControl(encodeControl({ ...head, from: this.cell, segments: past }), { past }, now);
  }

  #reopened(past: Segment[], logSeq: number, now: number): void {
    this.#past = past;
    this.#stretch = { first: this.#position.seq + 1, opened: logSeq };
    this.#state = "idle";
    this.#appendNext(now);
  }

  #offerControl(bytes: Uint8Array, control: NonNullable<Appending<To>["control"]>, now: number): void {
    const seq = this.#position.seq + 1;
    this.#offer({ bytes, seq, n: 0, ts: now, ids: [], taken: [], control, attempts: 0 });
  }

  /** The channel now belongs to the cell `to`; what waits here has to ask there. */
  #sealed(to: string, now: number): void {
    this.#appending = null;
    this.#state = "sealed";
    this.#given = { cell: to, handover: this.#handover(now) };
    this.#refuseMailbox(MOVED);
    for (const release of this.#releases) this.#hand(release.cell, release.to);
    this.#releases = [];
  }

  #handover(now: number): Handover {
    return {
      position: this.#position,
      segments: this.segments,
      fresh: this.#fresh,
      ids: this.#ids.handOver(MAX_HANDED_IDS, now),
      newestAt: this.#newestAt,
      tail: this.tail.newest(MAX_HANDED_TAIL_BYTES),
    };
  }

  #hand(cell: string, to: To): void {
    const { cell: given, handover } = this.#given!;
    const answer: ReleaseAnswer = { elsewhere: given === cell ? null : given, handover };
    this.#effects.push({ do: "release", to, answer });
  }

  #offer(appending: Appending<To>): void {
    this.#appending = appending;
    this.#state = "appending";
    const taken = appending.attempts++ === 0 ? appending.taken : [];
    const { opened } = this.#stretch;
    this.#effects.push({ do: "append", bytes: appending.bytes, fence: this.#fence, opened, taken });
  }

  #answer({ to, messages, answer }: TakenBatch<To>): void {
    this.#effects.push({ do: "answer", to, messages, answer });
  }

  #refuse(to: To, error: WireError): void {
    this.#effects.push({ do: "refuse", to, error });
  }

  #refuseMailbox(error: WireError): void {
    for (const to of this.#mailbox.takeAll()) this.#refuse(to, error);
  }

  #refuseAppending(error: WireError): void {
    for (const { to } of this.#appending?.taken ?? []) this.#refuse(to, error);
    this.#appending = null;
  }
}
