/**
 * A cell's log as the product sees it through its port: fenced appends whose answers may be late or lost, questions
 * that may fail, and every stored record sent to the bus.
 */
import type { Append, AppendOutcome, ChannelLog, StoredRecord } from "@plexus/cells/cores";
import { PlexusError, readHead } from "@plexus/protocol";
import type { Bug } from "./bugs.js";
import type { Network } from "./network.js";
import type { Life } from "./schedule.js";

const APPEND_DEADLINE_MS = 2_000;
const QUESTION_DEADLINE_MS = 2_000;

export interface LogWatcher {
  /** `before`: what was the newest record until then. */
  stored(cell: string, record: StoredRecord, before: StoredRecord | undefined): void;
  /** The log of a cell did not answer another cell. */
  silent(cell: string): void;
  /** What was stored goes to the bus. */
  publish(cell: string, bytes: Uint8Array): void;
}

export class SimulatedLog {
  readonly cell: string;
  readonly incarnation: string;
  /** Whether other cells can reach it. */
  reachable = true;
  /** Appends that have not arrived yet. */
  onTheWay = 0;
  readonly #network: Network;
  readonly #watcher: LogWatcher;
  readonly #bug: Bug | null;
  readonly #records: StoredRecord[] = [];
  /** Of the whole log: other channels are stored in between. */
  #lastSeq = 0;

  constructor(cell: string, network: Network, watcher: LogWatcher, bug: Bug | null) {
    this.cell = cell;
    this.incarnation = `e${cell}`;
    this.#network = network;
    this.#watcher = watcher;
    this.#bug = bug;
  }

  get newest(): StoredRecord | undefined {
    return this.#records.at(-1);
  }

  /** The log as the tasks of one process see it, of this cell (`own`) or of another. */
  port(life: Life, own: boolean): ChannelLog {
    const ask = <T>(answer: () => T) => this.#ask(life, own, answer);
    return {
      incarnation: this.incarnation,
      append: (append, done) => {
        const { schedule } = this.#network;
        void schedule
          .question<AppendOutcome>(({ resolve }) => this.append(life, own, append, resolve))
          .then(done);
      },
      last: () => ask(() => this.newest ?? null),
      next: (_, logSeq) => ask(() => this.#records.find((record) => record.logSeq >= logSeq) ?? null),
      read: (_, from, bounds) => ask(() => this.#read(from, bounds)),
      newest: async () => undefined,
      trim: async () => undefined,
    };
  }

  /** The same for whoever is no task. */
  append(life: Life, own: boolean, append: Append, done: (outcome: AppendOutcome) => void): void {
    const { schedule, weather } = this.#network;
    let open = true;
    const answer = (outcome: AppendOutcome) => {
      if (!open) return;
      open = false;
      deadline.cancelled = true;
      if (!own && !outcome.stored && outcome.why === "unknown") this.#watcher.silent(this.cell);
      done(outcome);
    };
    const deadline = schedule.after(APPEND_DEADLINE_MS, life, () =>
      answer({ stored: false, why: "unknown", message: "no answer in time" }),
    );
    if (this.#bug === "early_show") this.#watcher.publish(this.cell, append.bytes);
    if (this.#bug === "early_ack" || (this.#bug === "no_seal" && readHead(append.bytes)!.op === "seal"))
      schedule.after(0, life, () => answer({ stored: true, logSeq: this.#lastSeq + 1 }));
    if (this.#bug === "no_seal" && readHead(append.bytes)!.op === "seal") return;
    // One verdict about one append, however often it arrives.
    const refused = schedule.chance(weather.refused);
    const refusal: AppendOutcome = { stored: false, why: "refused", message: "maximum bytes exceeded" };
    const arrivals = this.#network.send(null, `append to ${this.cell}`, () => {
      this.onTheWay--;
      if (!own && !this.reachable) return;
      const outcome = refused ? refusal : this.#store(append);
      this.#network.send(life, `verdict of ${this.cell}`, () => answer(outcome));
    });
    this.onTheWay += arrivals;
  }

  #read(from: { logSeq: number } | { storedAt: number }, bounds: { records: number }): StoredRecord[] {
    const found = this.#records.filter((record) =>
      "logSeq" in from ? record.logSeq >= from.logSeq : record.storedAt >= from.storedAt,
    );
    return found.slice(0, bounds.records);
  }

  #ask<T>(life: Life, own: boolean, answer: () => T): Promise<T> {
    const { schedule } = this.#network;
    return schedule.question<T>(({ resolve, reject }) => {
      const deadline = schedule.after(QUESTION_DEADLINE_MS, life, () => {
        schedule.note(() => `${this.cell}: a question to the log is not answered`);
        if (!own) this.#watcher.silent(this.cell);
        reject(new PlexusError("unavailable", "the log does not answer"));
      });
      this.#network.send(null, "question to the log", () => {
        if (!own && !this.reachable) return;
        const answered = answer();
        this.#network.send(life, "answer of the log", () => {
          deadline.cancelled = true;
          resolve(answered);
        });
      });
    });
  }

  #store({ bytes, fence, opened }: Append): AppendOutcome {
    const { schedule } = this.#network;
    if ((this.newest?.logSeq ?? 0) !== fence && this.#bug !== "no_fence") {
      schedule.note(() => `${this.cell}: fenced off, ${fence} is not the newest`);
      return { stored: false, why: "fence", message: "wrong last sequence" };
    }
    this.#lastSeq += schedule.chance(0.7) ? 1 : schedule.random.int(2, 9);
    const head = readHead(bytes)!;
    const record = {
      logSeq: this.#lastSeq,
      storedAt: Math.floor(schedule.now),
      bytes,
      head,
      opened,
      previous: fence,
    };
    const before = this.newest;
    this.#records.push(record);
    this.#watcher.stored(this.cell, record, before);
    if (this.#bug !== "early_show") this.#watcher.publish(this.cell, bytes);
    return { stored: true, logSeq: record.logSeq };
  }
}
