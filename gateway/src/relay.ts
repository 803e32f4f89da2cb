/**
 * The relay: one channel as one gateway sees it; pure. Records and answers go in, effects come out.
 *
 * Whatever the bus loses, repeats or reorders, `deliver` effects carry consecutive seqs, once each. A record
 * that leaves a gap is held back until what is missing has been fetched; where it can't be had, or the channel
 * goes on in another epoch, there is one `reset` instead, and never a silent hole.
 */
import { type Position, type RecordHead, recordAfter } from "@plexus/protocol";
import { type ReadAnswer, Tail } from "@plexus/runtime";

export type RelayEffect =
  /** Hand these bytes to every subscriber. */
  | { do: "deliver"; bytes: Uint8Array }
  /** Tell every subscriber that the channel goes on from here. */
  | { do: "reset"; position: Position }
  /** Fetch what lies after this seq of the present epoch. */
  | { do: "fetch"; after: number }
  /** Ask the channel's actor where it stands. */
  | { do: "lookup" };

export interface RelayBounds {
  tailRecords: number;
  tailBytes: number;
  /** Records held back because something before them is missing; beyond, they are dropped and fetched. */
  heldRecords: number;
}

export const RELAY_BOUNDS: RelayBounds = { tailRecords: 256, tailBytes: 128 * 1024, heldRecords: 256 };

interface Held {
  readonly head: RecordHead;
  readonly bytes: Uint8Array;
}

export class Relay {
  readonly tail: Tail;
  #position: Position | null = null;
  #held: Held[] = [];
  readonly #maxHeld: number;
  /** A fetch or a lookup is under way. */
  #asking = false;
  #effects: RelayEffect[] = [];

  constructor(bounds: RelayBounds = RELAY_BOUNDS) {
    this.tail = new Tail({ maxRecords: bounds.tailRecords, maxBytes: bounds.tailBytes });
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
    if (position === null) return this.#hold(head, bytes);
    if (head.epoch !== position.epoch) {
      this.#hold(head, bytes);
      return this.#ask({ do: "lookup" });
    }
    if (head.seq + head.n - 1 <= position.seq) return;
    if (head.seq > position.seq + 1) {
      this.#hold(head, bytes);
      return this.#ask({ do: "fetch", after: position.seq });
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
    if (position !== null && asked !== position.epoch) return this.#release(now);
    if (position === null) {
      this.#position = head;
      return this.#release(now);
    }
    if (head.epoch !== position.epoch) this.#reset(head, now);
    else if (head.seq > position.seq) this.#ask({ do: "fetch", after: position.seq });
    else this.#release(now);
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
      return stale ? this.#release(now) : this.#reset(answer.head, now);
    }
    const before = this.#position!.seq;
    for (const { head, bytes } of records)
      if (head.epoch === this.#position!.epoch && head.seq <= this.#position!.seq + 1)
        this.#advance(head, bytes, now);
    this.#release(now);
    const { seq } = this.#position!;
    if (!this.#asking && seq > before && answer.head.seq > seq) this.#ask({ do: "fetch", after: seq });
  }

  /** The question under way failed; the next record or head asks again. */
  askFailed(): void {
    this.#asking = false;
  }

  #advance(head: RecordHead, bytes: Uint8Array, now: number): void {
    const position = this.#position!;
    const last = head.seq + head.n - 1;
    if (last <= position.seq) return;
    const rest = head.seq === position.seq + 1 ? bytes : recordAfter(bytes, head, position.seq);
    const seq = position.seq + 1;
    this.#position = { epoch: position.epoch, seq: last };
    this.tail.push({ seq, n: last - seq + 1, bytes: rest, at: now });
    this.#effects.push({ do: "deliver", bytes: rest });
  }

  /** Delivers what was held back and follows now; asks for what is still missing before the rest. */
  #release(now: number): void {
    if (this.#held.length === 0) return;
    const held = this.#held.sort((a, b) => a.head.seq - b.head.seq);
    this.#held = [];
    let missing = false;
    for (const { head, bytes } of held) {
      const position = this.#position!;
      if (head.epoch !== position.epoch) continue;
      if (head.seq <= position.seq + 1) this.#advance(head, bytes, now);
      else {
        missing = true;
        this.#held.push({ head, bytes });
      }
    }
    if (missing) this.#ask({ do: "fetch", after: this.#position!.seq });
  }

  #hold(head: RecordHead, bytes: Uint8Array): void {
    if (this.#held.length >= this.#maxHeld) this.#held.shift();
    this.#held.push({ head, bytes });
  }

  /** Goes on from the actor's position, or from before the records that arrived already, where they are older. */
  #reset(head: Position, now: number): void {
    let seq = head.seq;
    for (const held of this.#held) if (held.head.epoch === head.epoch) seq = Math.min(seq, held.head.seq - 1);
    this.#position = { epoch: head.epoch, seq };
    this.tail.clear();
    this.#effects.push({ do: "reset", position: this.#position });
    this.#release(now);
  }

  #ask(effect: RelayEffect): void {
    if (this.#asking) return;
    this.#asking = true;
    this.#effects.push(effect);
  }
}
