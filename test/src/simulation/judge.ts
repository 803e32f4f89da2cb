/**
 * What must hold, checked at every step: the judge sees what the logs store, what is acknowledged and what each
 * subscriber gets, and keeps the first thing that is not as promised.
 */
import { type StoredRecord, WINDOW_MS } from "@plexus/cells/cores";
import { decodeRecord, type MsgFrame, type Position } from "@plexus/protocol";
import { type PublishAnswer, publishedAt } from "@plexus/runtime";
import { where } from "./actor.js";

/** Two clocks differ by so much at most. */
const SKEW_MS = 1_000;

interface StoredMessage {
  readonly id: string;
  readonly ts: number;
}

interface Place extends Position {
  readonly ts: number;
}

export class Judge {
  violation: string | null = null;
  /** The log of a cell that was given up could not be asked: its channels may begin a new epoch. */
  mayBeginAnew = false;
  resets = 0;
  /** Epochs in which a cell has served the channel before anything was written to it. */
  readonly #empty = new Set<string>();
  /** Epoch → its messages in order of seq, over all logs. */
  readonly #epochs = new Map<string, StoredMessage[]>();
  readonly #places = new Map<string, Place[]>();
  readonly #frames = new WeakMap<Uint8Array, MsgFrame>();

  fail(violation: string): void {
    this.violation ??= violation;
  }

  /** A cell serves the channel, which was never written to. */
  servedEmpty(epoch: string): void {
    this.#empty.add(epoch);
  }

  /** How many messages an epoch has. */
  head(epoch: string): number {
    return this.#epochs.get(epoch)?.length ?? 0;
  }

  /** A log has stored a record. */
  stored(cell: string, { bytes, head }: StoredRecord, before: StoredRecord | undefined): void {
    const { op, epoch, seq } = head;
    // A seal over a seal, or over an open record behind which nothing was stored, keeps others from going on there:
    // it may be late, but never say less.
    const isEmpty = before?.head.op === "seal" || before?.head.op === "open";
    if (
      op === "seal" &&
      isEmpty &&
      before?.head.epoch === epoch &&
      before.head.seq <= seq &&
      seq <= this.head(epoch) + 1
    )
      return;
    const known = this.#messages(epoch);
    if (seq !== known.length + 1)
      return this.fail(
        `${cell} stored ${op} ${where(head)}, but ${known.length} messages are in the logs: ` +
          (seq <= known.length ? "a seq given twice" : "a hole"),
      );
    if (op !== "msg") return;
    for (const { id, ts } of this.#frame(bytes).m) {
      this.#storedOnce(id, epoch, ts);
      known.push({ id, ts });
      this.#add(id, { epoch, seq: known.length, ts });
      if (known.length === 1) this.#beginsEpoch(epoch);
    }
    this.#inOrder(epoch, this.#frame(bytes));
  }

  /** An actor answers a batch of publishes. */
  acknowledged(ids: readonly string[], answer: PublishAnswer): void {
    const [epoch] = answer;
    for (const [i, id] of ids.entries()) {
      const [seq, , dup] = publishedAt(answer, i);
      const there = this.#epochs.get(epoch)?.[seq - 1]?.id;
      const said = `${id} is acknowledged at ${where({ epoch, seq })}${dup ? " as a duplicate" : ""}`;
      if (there !== id) this.fail(`${said}, where ${there ?? "nothing"} is stored`);
    }
  }

  /** A publisher is told where its message is. */
  told(id: string, position: Position, before: Position | undefined): void {
    if (before === undefined || (before.epoch === position.epoch && before.seq === position.seq)) return;
    if ((this.#places.get(id)?.length ?? 0) < 2)
      this.fail(`${id} was told to be at ${where(before)}, and then at ${where(position)}`);
  }

  /** A subscriber that stands at `position` gets a record. */
  delivered(subscriber: string, position: Position, bytes: Uint8Array): void {
    const { epoch, seq, m } = this.#frame(bytes);
    if (epoch !== position.epoch || seq !== position.seq + 1)
      return this.fail(`${subscriber} stands at ${where(position)} and gets ${where({ epoch, seq })}`);
    const stored = this.#epochs.get(epoch) ?? [];
    for (const [i, { id }] of m.entries()) {
      const there = stored[seq + i - 1]?.id;
      if (there !== id)
        this.fail(
          `${subscriber} gets ${id} at ${where({ epoch, seq: seq + i })}, where ${there ?? "nothing"} is stored`,
        );
    }
  }

  /** A subscriber is told that it goes on elsewhere: what lay between is not shown to it. */
  reset(subscriber: string, from: Position, to: Position): void {
    this.resets++;
    const nothingMissed = from.epoch !== to.epoch && this.head(from.epoch) === 0;
    // A channel that was never written to has the epoch of the cell that is asked; such an answer may come late.
    const late = this.head(to.epoch) === 0 && this.#empty.has(to.epoch);
    if (this.mayBeginAnew || nothingMissed || late) return;
    this.fail(`${subscriber} is reset from ${where(from)} to ${where(to)}, though nothing was lost`);
  }

  #messages(epoch: string): StoredMessage[] {
    const known = this.#epochs.get(epoch) ?? [];
    if (known.length === 0) this.#epochs.set(epoch, known);
    return known;
  }

  #frame(bytes: Uint8Array): MsgFrame {
    const frame = this.#frames.get(bytes) ?? decodeRecord(bytes);
    this.#frames.set(bytes, frame);
    return frame;
  }

  #add(id: string, place: Place): void {
    const places = this.#places.get(id);
    if (places === undefined) this.#places.set(id, [place]);
    else places.push(place);
  }

  /** In the same epoch an id may come again only after the window. */
  #storedOnce(id: string, epoch: string, ts: number): void {
    const before = this.#places.get(id)?.findLast((place) => place.epoch === epoch);
    if (before !== undefined && ts - before.ts < WINDOW_MS - SKEW_MS)
      this.fail(`${id} is stored at ${where(before)} and once more, ${ts - before.ts} ms later`);
  }

  /** A publisher's messages are stored in its order; what it repeats on purpose has its place already. */
  #inOrder(epoch: string, { m }: MsgFrame): void {
    for (const { id, user } of m) {
      if (id.includes("~")) continue;
      const number = Number(id.slice(id.lastIndexOf("-") + 1));
      if (number === 0) continue;
      const previous = this.#places.get(`${user}-${number - 1}`);
      if (previous === undefined)
        this.fail(`${id} is stored in ${epoch} before the one that was sent before it`);
    }
  }

  #beginsEpoch(epoch: string): void {
    const others = [...this.#epochs].filter(([other, messages]) => other !== epoch && messages.length > 0);
    if (others.length > 0 && !this.mayBeginAnew)
      this.fail(`epoch ${epoch} begins, though ${others[0]![0]} could have been proven`);
  }
}
