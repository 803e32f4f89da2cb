/** A {@link ChannelLog} in memory, for tests: the same answers as the real one, and faults on demand. */
import { PlexusError, readHead } from "@plexus/protocol";
import type { Append, AppendOutcome, ChannelLog, StoredRecord } from "../log.js";

/** What becomes of an append. `unheard`: it is stored, but no answer comes; `lost`: it never arrived. */
export type AppendFate = "stored" | "unheard" | "lost" | "refused";

interface Entry extends StoredRecord {
  readonly subject: string;
}

export class MemoryLog implements ChannelLog {
  readonly incarnation: string;
  /** The clock of the log, milliseconds since 1970. */
  now = 1_000_000;
  /** Decides about each append; all are stored by default. */
  fate: (append: Append) => AppendFate = () => "stored";
  /** No question is answered any more. */
  silent = false;
  /** Whether records know the one before. */
  linked = true;
  /** Questions asked so far: each is a round trip. */
  questions = 0;
  #entries: Entry[] = [];
  readonly #newest = new Map<string, number>();
  #lastSeq = 0;

  constructor(incarnation = "born") {
    this.incarnation = incarnation;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Stores a record without looking at any fence; returns its log sequence. */
  put(subject: string, bytes: Uint8Array, opened = 0): number {
    const head = readHead(bytes);
    if (head === null) throw new Error("not a record");
    const logSeq = ++this.#lastSeq;
    const previous = this.linked ? (this.#newest.get(subject) ?? 0) : 0;
    this.#newest.set(subject, logSeq);
    this.#entries.push({ subject, logSeq, storedAt: this.now, bytes, head, opened, previous });
    return logSeq;
  }

  /** Removes a subject's records below a log sequence, at once. */
  cut(subject: string, belowLogSeq: number): void {
    this.#entries = this.#entries.filter((entry) => entry.subject !== subject || entry.logSeq >= belowLogSeq);
  }

  /** All records of a subject, oldest first. */
  all(subject: string): StoredRecord[] {
    return this.#entries.filter((entry) => entry.subject === subject);
  }

  /** Answers in a later turn of the event loop, as the real one does. */
  append(append: Append, done: (outcome: AppendOutcome) => void): void {
    const outcome = this.appendNow(append);
    setImmediate(() => done(outcome));
  }

  appendNow(append: Append): AppendOutcome {
    const fate = this.fate(append);
    if (fate === "refused") return { stored: false, why: "refused", message: "full" };
    if (fate === "lost") return { stored: false, why: "unknown", message: "no answer in time" };
    if ((this.all(append.subject).at(-1)?.logSeq ?? 0) !== append.fence)
      return fate === "unheard"
        ? { stored: false, why: "unknown", message: "no answer in time" }
        : { stored: false, why: "fence", message: "wrong last sequence" };
    const logSeq = this.put(append.subject, append.bytes, append.opened);
    return fate === "unheard"
      ? { stored: false, why: "unknown", message: "no answer in time" }
      : { stored: true, logSeq };
  }

  async last(subject: string): Promise<StoredRecord | null> {
    await this.#asked();
    return this.all(subject).at(-1) ?? null;
  }

  async next(subject: string, logSeq: number): Promise<StoredRecord | null> {
    await this.#asked();
    return this.#entries.find((entry) => entry.subject === subject && entry.logSeq >= logSeq) ?? null;
  }

  async read(
    subject: string,
    from: { logSeq: number } | { storedAt: number },
    bounds: { records: number; bytes: number },
  ): Promise<StoredRecord[]> {
    await this.#asked();
    const found: StoredRecord[] = [];
    let bytes = 0;
    for (const entry of this.#entries) {
      if (entry.subject !== subject) continue;
      if ("logSeq" in from ? entry.logSeq < from.logSeq : entry.storedAt < from.storedAt) continue;
      if (found.length >= bounds.records || bytes >= bounds.bytes) break;
      found.push(entry);
      bytes += entry.bytes.length;
    }
    return found;
  }

  async newest(tell: (subject: string, isSeal: boolean) => void): Promise<void> {
    await this.#asked();
    const newest = new Map(this.#entries.map((entry) => [entry.subject, entry]));
    for (const { subject, head } of newest.values()) tell(subject, head.op === "seal");
  }

  async trim(subject: string, belowLogSeq: number): Promise<void> {
    await this.#asked();
    this.cut(subject, belowLogSeq);
  }

  async #asked(): Promise<void> {
    this.questions++;
    if (this.silent) throw new PlexusError("unavailable", "the log does not answer", { retry: 1_000 });
  }
}
