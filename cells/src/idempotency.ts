/**
 * What a channel knows of the ids it stored: one window for those that publishers chose, and one for those that
 * gateways made; and the separation of what is new from what is stored already.
 *
 * An id that a gateway made comes again only with the batch that it came with, which is stored whole or not at all. So of
 * made ids that follow each other in a batch the first one is enough to know them all: a *run*.
 */
import type { Handover, PublishedItem, PublishItem } from "@plexus/runtime";
import type { StoredId } from "./channel-types.js";
import type { Batch } from "./mailbox.js";
import { IdempotencyWindow, MADE_WINDOW_MS, type Stored, WINDOW_MS, windowKey } from "./window.js";

/** So many ids of a record are looked through faster than a Map of them is made. */
const FEW = 8;
/** Its position, its time, and what the encoding adds. */
const ID_OVERHEAD_BYTES = 32;

export interface NewId {
  readonly key: string;
  /** The publisher chose it. Otherwise it may be the first of a run. */
  readonly given: boolean;
  readonly seq: number;
}

/** A record that is being made; `seqs` of the ids in it, once they are many. */
interface OpenRecord {
  readonly composed: Composed<unknown>;
  readonly seq: number;
  readonly now: number;
  seqs: Map<string, number> | undefined;
}

/** The messages of some batches that are new, and the answers to all of them once the new ones are stored. */
export interface Composed<To> {
  readonly fragments: string[];
  readonly ids: NewId[];
  readonly answers: Array<{ to: To; items: PublishedItem[] }>;
}

export class Idempotency {
  /** Whether the windows hold what the log holds; until then nothing may be appended. */
  state: "unread" | "reading" | "read" = "unread";
  readonly #chosen: IdempotencyWindow;
  readonly #made: IdempotencyWindow;
  /** Some id stands for a run. */
  #hasRuns = false;

  constructor(maxIds: number) {
    this.#chosen = new IdempotencyWindow(WINDOW_MS, maxIds);
    this.#made = new IdempotencyWindow(MADE_WINDOW_MS, maxIds);
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

  hasRoom(n: number, now: number): boolean {
    return this.#chosen.hasRoom(n, now) && this.#made.hasRoom(n, now);
  }

  add({ key, given, seq }: NewId, ts: number): void {
    (given ? this.#chosen : this.#made).add(key, { seq, ts });
  }

  /** All ids for the channel's next home, if they are known here and not too many. A run is only known to newer versions. */
  handOver(most: { ids: number; bytes: number }): Pick<Handover, "ids" | "starts"> {
    const ids = this.#all(most);
    return this.#hasRuns && ids !== null ? { ids: null, starts: ids } : { ids };
  }

  #all(most: { ids: number; bytes: number }): Handover["ids"] {
    if (this.state !== "read" || this.#chosen.size + this.#made.size > most.ids) return null;
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

  /** Numbers what is new from `seq` on; what is stored already, or twice in these batches, is answered as such. */
  compose<To>(batches: readonly Batch<To>[], seq: number, now: number): Composed<To> {
    const composed: Composed<To> = { fragments: [], ids: [], answers: [] };
    const record = { composed, seq, now, seqs: undefined };
    for (const { items, to } of batches)
      composed.answers.push({ to, items: this.#composeBatch(items, record) });
    return composed;
  }

  #composeBatch(items: readonly PublishItem[], record: OpenRecord): PublishedItem[] {
    const { composed, now } = record;
    const published: PublishedItem[] = [];
    /** What became of the made id before, whose run goes on. */
    let run: PublishedItem | undefined;
    for (const [id, user, fragment, given] of items) {
      if (given) run = undefined;
      let item: PublishedItem | undefined;
      if (run === undefined || run[2]) {
        const key = windowKey(id, user);
        item = this.#known(key, record);
        if (item === undefined && run !== undefined) item = [run[0] + 1, run[1], true];
        if (item === undefined) this.#addNew(key, given, record);
      } else this.#hasRuns = true;
      item ??= [record.seq + composed.fragments.push(fragment) - 1, now, false];
      published.push(item);
      if (!given) run = item;
    }
    return published;
  }

  #known(key: string, { composed: { ids }, seqs, now }: OpenRecord): PublishedItem | undefined {
    const stored = this.#chosen.get(key) ?? this.#made.get(key);
    if (stored !== undefined) return [stored.seq, stored.ts, true];
    const twin = seqs === undefined ? seqAmong(ids, key) : seqs.get(key);
    return twin === undefined ? undefined : [twin, now, true];
  }

  #addNew(key: string, given: boolean, record: OpenRecord): void {
    const { ids, fragments } = record.composed;
    const seq = record.seq + fragments.length;
    ids.push({ key, given, seq });
    if (record.seqs !== undefined) record.seqs.set(key, seq);
    else if (ids.length > FEW) record.seqs = new Map(ids.map((known) => [known.key, known.seq]));
  }
}

/** The seq of an id that is in the record already. */
function seqAmong(ids: readonly NewId[], key: string): number | undefined {
  for (let i = 0; i < ids.length; i++) if (ids[i]!.key === key) return ids[i]!.seq;
  return undefined;
}
