/**
 * The relay: one channel as one gateway sees it; pure. Records and answers go in, effects come out.
 *
 * Whatever the bus loses, repeats or reorders, `deliver` effects carry consecutive seqs, once each. A record
 * that leaves a gap is held back until what is missing has been fetched; where it can't be had, or the channel
 * goes on in another epoch, there is one `reset` instead, and never a silent hole.
 *
 * What comes over the bus is a claim. One that the actor does not confirm is asked for at a slower and slower pace,
 * and then dropped: if it was true after all, the next comparison of heads finds that.
 */
import { type Position, type RecordHead, recordAfter } from "@plexus/protocol";
import { type ReadAnswer, Tail, type TailBytes } from "@plexus/runtime";
import { Pace } from "./pace.js";

export type RelayEffect =
  /** Hand these bytes, a record of `n` messages, to every subscriber. */
  | { do: "deliver"; bytes: Uint8Array; n: number }
  /** Tell every subscriber that the channel goes on from here. */
  | { do: "reset"; position: Position }
  /** Fetch what lies after this seq of the present epoch; `inMs`: not before so many milliseconds have passed. */
  | { do: "fetch"; after: number; inMs?: number }
  /** Ask the channel's actor where it stands, now or after so long; an answer to an older question won't do. */
  | { do: "lookup"; inMs?: number };

export interface RelayBounds {
  tailRecords: number;
  tailBytes: number;
  /** Records held back because something before them is missing; beyond, they are dropped and fetched. */
  heldRecords: number;
}

export const RELAY_BOUNDS: RelayBounds = { tailRecords: 256, tailBytes: 128 * 1024, heldRecords: 256 };

/** How often one hole is asked for without anything coming of it, before what lies behind it is dropped. */
export const MAX_VAIN_FETCHES = 6;

interface Held {
  readonly head: RecordHead;
  readonly bytes: Uint8Array;
  /** Fetches that brought nothing since it came. */
  vain: number;
  /** Of another epoch: the actor was asked since it came. */
  looked: boolean;
}

export class Relay {
  readonly tail: Tail;
  #position: Position | null = null;
  #held: Held[] = [];
  readonly #maxHeld: number;
  /** A fetch or a lookup is under way. */
  #asking = false;
  /** Made with the first question that brings nothing. */
  #pace: Pace | undefined;
  #effects: RelayEffect[] = [];

  /** @param tails counts the bytes of this relay's tail too */
  constructor(bounds: RelayBounds = RELAY_BOUNDS, tails?: TailBytes) {
    this.tail = new Tail({ maxRecords: bounds.tailRecords, maxBytes: bounds.tailBytes }, tails);
    this.#maxHeld = bounds.heldRecords;
  }

  /** The last message handed to subscribers; null until the actor has said where the channel stands. */
  get position(): Position | null {
    return this.#position;
  }
  /** Records wait for something that is missing. */
  get behind(): boolean {
    return this.#held.length > 0;
  }

  takeEffects(): RelayEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** A record came over the bus. */
  record(head: RecordHead, bytes: Uint8Array, now: number): void {
    if (head.n === 0) return;
    const position = this.#position;
    if (position === null) return this.#hold(head, bytes, true);
    if (head.epoch !== position.epoch) {
      this.#hold(head, bytes, false);
      return this.#lookUp(now);
    }
    if (head.seq + head.n - 1 <= position.seq) return;
    if (head.seq > position.seq + 1) {
      this.#hold(head, bytes, false);
      return this.#fetch(now);
    }
    this.#advance(head, bytes, now);
    this.#release(now);
  }

  /**
   * The actor says where the channel stands. Newer than what is known: something was missed. `asked` is the epoch
   * in which this relay stood when it asked (null: it did not know): if it stands in another one by now, the
   * answer may be older than what made it go on there, and must not take it back: ask again.
   */
  headSeen(asked: string | null, head: Position, now: number): void {
    this.#asking = false;
    const position = this.#position;
    if (position !== null && asked !== position.epoch) {
      for (const held of this.#held) held.looked = false;
      return this.#release(now);
    }
    if (position !== null && head.epoch !== position.epoch) return this.#reset(head, now);
    this.#position ??= head;
    this.#denyOthers(position !== null, now);
    this.#release(now);
    if (head.seq > this.#position.seq) this.#fetch(now);
  }

  /** What was fetched after this relay's position, which lay in the epoch `asked`. */
  fetched(
    asked: string,
    answer: ReadAnswer,
    records: ReadonlyArray<{ head: RecordHead; bytes: Uint8Array }>,
    now: number,
  ): void {
    this.#asking = false;
    if (asked !== this.#position?.epoch) return this.#release(now);
    if (answer.state !== "ok") {
      // Another epoch, or trimmed. A head that lies before this position is an old answer: not a reason.
      const stale = answer.head.epoch === asked && answer.head.seq <= this.#position.seq;
      if (!stale) return this.#reset(answer.head, now);
      this.#broughtNothing(now);
      return this.#release(now);
    }
    const before = this.#position!.seq;
    for (const { head, bytes } of records)
      if (head.epoch === this.#position!.epoch && head.seq <= this.#position!.seq + 1)
        this.#advance(head, bytes, now);
    const helped = this.#position!.seq > before;
    if (helped) this.#pace?.helped();
    else this.#broughtNothing(now);
    this.#release(now);
    if (helped && answer.head.seq > this.#position!.seq) this.#fetch(now);
  }

  /** The question under way failed; the next record or head asks again. */
  askFailed(): void {
    this.#asking = false;
  }

  /** What waits behind a hole that could not be filled has one chance less. */
  #broughtNothing(now: number): void {
    const { epoch } = this.#position!;
    const waiting = this.#held.filter(({ head }) => head.epoch === epoch);
    if (waiting.length === 0) return;
    this.#slowDown(now);
    for (const held of waiting) held.vain++;
    this.#held = this.#held.filter(({ vain }) => vain < MAX_VAIN_FETCHES);
  }

  /** The actor was asked, and knows of no other epoch than the present one. */
  #denyOthers(inVain: boolean, now: number): void {
    const { epoch } = this.#position!;
    const kept = this.#held.filter(({ head, looked }) => head.epoch === epoch || !looked);
    if (inVain && kept.length < this.#held.length) this.#slowDown(now);
    this.#held = kept;
  }

  #advance(head: RecordHead, bytes: Uint8Array, now: number): void {
    const position = this.#position!;
    const last = head.seq + head.n - 1;
    if (last <= position.seq) return;
    const rest = recordAfter(bytes, head, position.seq);
    const seq = position.seq + 1;
    this.#position = { epoch: position.epoch, seq: last };
    // One that can't be taken apart stays as it is: whoever comes by it is told that something is missing.
    this.tail.push({ seq, n: last - seq + 1, bytes: rest ?? bytes, at: now });
    if (rest === null) this.#effects.push({ do: "reset", position: this.#position });
    else this.#effects.push({ do: "deliver", bytes: rest, n: last - seq + 1 });
  }

  /** Delivers what was held back and follows now; asks for what is still missing before the rest. */
  #release(now: number): void {
    if (this.#held.length === 0) return;
    const held = this.#held.sort((a, b) => a.head.seq - b.head.seq);
    this.#held = [];
    for (const record of held) {
      const { epoch, seq } = this.#position!;
      if (record.head.epoch !== epoch || record.head.seq > seq + 1) this.#held.push(record);
      else this.#advance(record.head, record.bytes, now);
    }
    const { epoch } = this.#position!;
    // Another epoch first: if the channel goes on there, what is missing in this one does not matter.
    if (this.#held.some(({ head, looked }) => head.epoch !== epoch && !looked)) this.#lookUp(now);
    if (this.#held.some(({ head }) => head.epoch === epoch)) this.#fetch(now);
  }

  #hold(head: RecordHead, bytes: Uint8Array, looked: boolean): void {
    if (this.#held.length >= this.#maxHeld) this.#held.shift();
    this.#held.push({ head, bytes, vain: 0, looked });
  }

  /** Goes on from the actor's position, or from before the records that arrived already, where they are older. */
  #reset(head: Position, now: number): void {
    let seq = head.seq;
    for (const held of this.#held) if (held.head.epoch === head.epoch) seq = Math.min(seq, held.head.seq - 1);
    const left = this.#position?.epoch;
    this.#held = this.#held.filter((held) => held.head.epoch !== left || left === head.epoch);
    this.#position = { epoch: head.epoch, seq };
    this.#pace?.helped();
    this.tail.clear();
    this.#effects.push({ do: "reset", position: this.#position });
    this.#release(now);
  }

  #slowDown(now: number): void {
    this.#pace ??= new Pace();
    this.#pace.vain(now);
  }

  #fetch(now: number): void {
    this.#ask({ do: "fetch", after: this.#position!.seq }, now);
  }

  #lookUp(now: number): void {
    if (this.#asking) return;
    for (const held of this.#held) held.looked = true;
    this.#ask({ do: "lookup" }, now);
  }

  #ask(effect: Extract<RelayEffect, { inMs?: number }>, now: number): void {
    if (this.#asking) return;
    this.#asking = true;
    const inMs = this.#pace?.waitMs(now) ?? 0;
    this.#effects.push(inMs === 0 ? effect : { ...effect, inMs });
  }
}
