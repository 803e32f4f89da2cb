/**
 * What a channel knows of the ids it stored: one window for those that publishers chose, and one for those that
 * gateways made; and the separation of what is new from what is stored already.
 */
import type { Handover, PublishedItem } from "@plexus/runtime";
import type { StoredId } from "./channel-types.js";
import type { Batch } from "./mailbox.js";
import { IdempotencyWindow, MADE_WINDOW_MS, type Stored, WINDOW_MS, windowKey } from "./window.js";

/** So many ids of a record are looked through faster than a Map of them is made. */
const FEW = 8;
/** Its position, its time, and what the encoding adds. */
const ID_OVERHEAD_BYTES = 32;

export interface NewId {
  readonly key: string;
  /** The publisher chose it. */
  readonly given: boolean;
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

  add({ key, given }: NewId, stored: Stored): void {
    (given ? this.#chosen : this.#made).add(key, stored);
  }

  /** All ids for the channel's next home, oldest first; null where they are not known here, or too many. */
  handOver(most: { ids: number; bytes: number }): Handover["ids"] {
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
    const { ids } = composed;
    let seqs: Map<string, number> | undefined;
    for (const { items, to } of batches) {
      const published: PublishedItem[] = [];
      for (const [id, user, fragment, given] of items) {
        const key = windowKey(id, user);
        const stored = this.#chosen.get(key) ?? this.#made.get(key);
        if (ids.length > FEW) seqs ??= new Map(ids.map((known, i) => [known.key, seq + i]));
        const twin =
          stored !== undefined ? undefined : seqs === undefined ? seqAmong(ids, key, seq) : seqs.get(key);
        if (stored !== undefined) published.push([stored.seq, stored.ts, true]);
        else if (twin !== undefined) published.push([twin, now, true]);
        else {
          const next = seq + composed.fragments.length;
          seqs?.set(key, next);
          ids.push({ key, given });
          composed.fragments.push(fragment);
          published.push([next, now, false]);
        }
      }
      composed.answers.push({ to, items: published });
    }
    return composed;
  }
}

/** The seq of an id that is in the record already, whose first message gets `first`. */
function seqAmong(ids: readonly NewId[], key: string, first: number): number | undefined {
  for (let i = 0; i < ids.length; i++) if (ids[i]!.key === key) return first + i;
  return undefined;
}
