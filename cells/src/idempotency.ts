/**
 * What a channel knows of the ids it stored: one window for those that publishers chose, and one for those that
 * gateways made; and the separation of what is new from what is stored already.
 *
 * An id that a gateway made comes again only with the batch that it came with, which is stored whole or not at all. So of
 * made ids that follow each other in a batch the first one is enough to know them all: a *run*.
 */
import type { Fragments, Position } from "@plexus/protocol";
import type { Handover, PublishAnswer, PublishBatch, PublishedItem } from "@plexus/runtime";
import type { StoredId, TakenBatch } from "./channel-types.js";
import type { Batch } from "./mailbox.js";
import {
  type IdCount,
  IdempotencyWindow,
  MADE_LEAST_MS,
  type Stored,
  WINDOW_MS,
  windowKey,
} from "./window.js";

/** So many ids of a record are looked through faster than a Map of them is made. */
const FEW = 8;
/** Its position, its time, and what the encoding adds. */
const ID_OVERHEAD_BYTES = 32;

/**
 * So many made ids of a worker, about 35 MB, are kept for as long as chosen ones; where there are more, all are kept for
 * shorter. At 50,000 a second that makes 1.2 million, for 24 s.
 */
const MADE_FOR_LONG = 250_000;

export interface IdsBound {
  readonly ids: number;
  readonly bytes: number;
}

export interface NewId {
  readonly key: string;
  /** The publisher chose it. Otherwise it may be the first of a run. */
  readonly given: boolean;
  readonly seq: number;
}

/** The messages of some batches that are new, and the answers to all of them once the new ones are stored. */
export interface Composed<To> {
  readonly parts: Fragments[];
  /** Messages in the parts. */
  n: number;
  readonly ids: NewId[];
  readonly taken: TakenBatch<To>[];
}

/** A record that is being made; `seqs` of the ids in it, once they are many. */
interface OpenRecord {
  readonly composed: Composed<unknown>;
  readonly first: Position;
  readonly now: number;
  seqs: Map<string, number> | undefined;
}

export class Idempotency {
  /** Whether the windows hold what the log holds; until then nothing may be appended. */
  state: "unread" | "reading" | "read" = "unread";
  readonly #chosen: IdempotencyWindow;
  readonly #made: IdempotencyWindow;
  readonly #madeOfAll: IdCount;

  /** @param madeOfAll counts the made ids of all channels of a worker; one that is given up has to be cleared */
  constructor(maxIds: number, madeOfAll: IdCount = { ids: 0 }) {
    this.#chosen = new IdempotencyWindow(maxIds);
    this.#made = new IdempotencyWindow(maxIds, madeOfAll);
    this.#madeOfAll = madeOfAll;
  }

  /**
   * Takes over what was read; who chose an id is not known then, so all are kept for long. One that was stored again
   * after its time may be there twice: the later one counts.
   */
  fill(ids: readonly StoredId[]): void {
    this.state = "read";
    const newest = new Map<string, Stored>();
    for (const { id, user, seq, ts } of [...ids].sort((a, b) => a.seq - b.seq)) {
      const key = windowKey(id, user);
      newest.delete(key);
      newest.set(key, { seq, ts });
    }
    for (const [key, stored] of newest) this.#chosen.add(key, stored);
  }

  /** Forgets ids whose time is over, made ones sooner where they fill their window; then, whether `n` more fit. */
  makeRoom(n: number, now: number): boolean {
    this.forgetOld(now);
    if (!this.#made.hasRoom(n)) this.#made.forgetOld(now, MADE_LEAST_MS);
    return this.#chosen.hasRoom(n) && this.#made.hasRoom(n);
  }

  forgetOld(now: number): void {
    this.#chosen.forgetOld(now, WINDOW_MS);
    this.#made.forgetOld(now, this.#madeSpanMs);
  }

  clear(): void {
    this.#made.clear();
  }

  get #madeSpanMs(): number {
    const share = Math.min(1, MADE_FOR_LONG / this.#madeOfAll.ids);
    return Math.max(MADE_LEAST_MS, WINDOW_MS * share);
  }

  add({ key, given, seq }: NewId, ts: number): void {
    (given ? this.#chosen : this.#made).add(key, { seq, ts });
  }

  /**
   * All ids for the channel's next home, oldest first. Where they are too many, made ones that no gateway repeats any more
   * are left out (and forgotten); null where that is not enough, or they are not known here.
   */
  handOver(most: IdsBound, now: number): Handover["ids"] {
    if (this.state !== "read") return null;
    const all = this.#list(most);
    if (all !== null) return all;
    this.#made.forgetOld(now, MADE_LEAST_MS);
    return this.#list(most);
  }

  #list(most: IdsBound): Handover["ids"] {
    if (this.#chosen.size + this.#made.size > most.ids) return null;
    const ids: NonNullable<Handover["ids"]> = [];
    let bytes = 0;
    for (const window of [this.#chosen, this.#made])
      for (const [id, user, { seq, ts }] of window.entries()) {
        bytes += Buffer.byteLength(id) + Buffer.byteLength(user) + ID_OVERHEAD_BYTES;
        if (bytes > most.bytes) return null;
        ids.push([id, user, seq, ts]);
      }
    return ids.sort((a, b) => a[3] - b[3]);
  }

  /** Numbers what is new from `first` on; what is stored already, or twice in these batches, is answered as such. */
  compose<To>(batches: readonly Batch<To>[], first: Position, now: number): Composed<To> {
    const composed: Composed<To> = { parts: [], n: 0, ids: [], taken: [] };
    const record = { composed, first, now, seqs: undefined };
    for (const { body, to } of batches)
      composed.taken.push({ to, messages: body[1].length, answer: this.#composeBatch(body, record) });
    return composed;
  }

  #composeBatch([bytes, lengths, ids]: PublishBatch, record: OpenRecord): PublishAnswer {
    const { composed, first, now } = record;
    const seq = first.seq + composed.n;
    /** Where each message is, once one of them is known. */
    let items: PublishedItem[] | undefined;
    let next = seq;
    for (let i = 0; i < ids.length; i++) {
      const [from, id, user, given] = ids[i]!;
      const to = i + 1 < ids.length ? ids[i + 1]![0] : lengths.length;
      const key = windowKey(id, user);
      const known = this.#known(key, record);
      if (known === undefined) {
        addNew({ key, given, seq: next }, record);
        if (items !== undefined) pushRun(items, next, now, false, to - from);
        next += to - from;
      } else {
        if (items === undefined) {
          items = [];
          pushRun(items, seq, now, false, from);
        }
        pushRun(items, known.seq, known.ts, true, to - from);
      }
    }
    composed.n += next - seq;
    if (items !== undefined) {
      composed.parts.push(...newOf(bytes, lengths, items));
      return [first.epoch, seq, now, items];
    }
    if (lengths.length > 0) composed.parts.push({ bytes, lengths });
    return [first.epoch, seq, now];
  }

  #known(key: string, { composed: { ids }, seqs, now }: OpenRecord): Stored | undefined {
    const stored = this.#chosen.get(key) ?? this.#made.get(key);
    if (stored !== undefined) return stored;
    const twin = seqs === undefined ? seqAmong(ids, key) : seqs.get(key);
    return twin === undefined ? undefined : { seq: twin, ts: now };
  }
}

function addNew(id: NewId, record: OpenRecord): void {
  const { ids } = record.composed;
  ids.push(id);
  if (record.seqs !== undefined) record.seqs.set(id.key, id.seq);
  else if (ids.length > FEW) record.seqs = new Map(ids.map((known) => [known.key, known.seq]));
}

/** Adds so many that follow each other. */
function pushRun(items: PublishedItem[], seq: number, ts: number, dup: boolean, count: number): void {
  for (let i = 0; i < count; i++) items.push([seq + i, ts, dup]);
}

/** What is left of a batch without the messages that are known. */
function* newOf(
  bytes: Uint8Array,
  lengths: readonly number[],
  items: readonly PublishedItem[],
): Generator<Fragments> {
  let at = 0;
  for (let i = 0; i < items.length; i++) {
    const end = at + lengths[i]!;
    if (!items[i]![2]) yield { bytes: bytes.subarray(at, end), lengths: [lengths[i]!] };
    at = end + 1;
  }
}

/** The seq of an id that is in the record already. */
function seqAmong(ids: readonly NewId[], key: string): number | undefined {
  for (let i = 0; i < ids.length; i++) if (ids[i]!.key === key) return ids[i]!.seq;
  return undefined;
}
