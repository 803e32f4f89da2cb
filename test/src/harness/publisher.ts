/** Publishing as a careful application does, and the account of it: what was acknowledged must be found again. */
import assert from "node:assert/strict";
import type { ErrFrame, HistoryMessage, PubOk } from "@plexus/protocol";
import type { RawClient } from "./raw-client.js";
import { until } from "./wait.js";

const RETRY_MS = 50;
/** Longer than tests let an answer take, so that they are the ones to judge how long it took. */
const ANSWER_MS = 40_000;

export interface Acknowledged {
  seq: number;
  dup: boolean;
  user: string;
  data: string;
}

export interface PublisherOptions {
  /** With ids, errors that allow it are answered by publishing the same again; without, the message is given up. */
  mids: boolean;
  /** Publishes without an answer yet. */
  atOnce?: number;
}

/** One client that publishes numbered messages to one channel and remembers what became of each. */
export class CountingPublisher {
  readonly acknowledged: Acknowledged[] = [];
  readonly errors: ErrFrame[] = [];
  /** Longest time to an answer, whatever it was. */
  slowestMs = 0;
  readonly #client: RawClient;
  readonly #user: string;
  readonly #ch: string;
  readonly #options: PublisherOptions;
  #next = 1;
  #stopped = false;

  constructor(client: RawClient, ch: string, options: PublisherOptions) {
    this.#client = client;
    this.#user = client.welcome!.user;
    this.#ch = ch;
    this.#options = options;
  }

  /** Publishes so many, or until {@link stop}. Resolves when each has its last answer. */
  async run(n = Number.POSITIVE_INFINITY): Promise<void> {
    const end = this.#next + n;
    const worker = async () => {
      while (!this.#stopped && this.#next < end) await this.#one(this.#next++);
    };
    await Promise.all(Array.from({ length: this.#options.atOnce ?? 10 }, worker));
  }

  stop(): void {
    this.#stopped = true;
  }

  async #one(number: number): Promise<void> {
    const { conn } = this.#client;
    const data = `${conn}#${number}`;
    const frame = { op: "pub", ch: this.#ch, data, ...(this.#options.mids && { mid: data }) };
    for (;;) {
      const startedAt = performance.now();
      const answer = await this.#client.ask(frame, ANSWER_MS);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAt);
      if (answer.op === "ok") {
        const { seq, dup } = answer as unknown as PubOk;
        this.acknowledged.push({ seq, dup: dup === true, user: this.#user, data });
        return;
      }
      const error = answer as ErrFrame;
      this.errors.push(error);
      assert.ok(error.retry !== undefined, `an error that allows no retry: ${JSON.stringify(error)}`);
      if (!this.#options.mids) return;
      await new Promise((resolve) => setTimeout(resolve, Math.min(error.retry!, RETRY_MS)));
    }
  }
}

/** Everything that a channel's log holds, read page by page; seqs have to be consecutive from 1. */
export async function wholeHistory(client: RawClient, ch: string): Promise<HistoryMessage[]> {
  const all: HistoryMessage[] = [];
  for (let more = true; more; ) {
    const page = await client.history(ch, { after: all.at(-1)?.seq ?? 0, limit: 200 });
    all.push(...page.messages);
    more = page.more;
  }
  assert.deepEqual(
    all.map(({ seq }) => seq),
    all.map((_, i) => i + 1),
    "the log has no hole",
  );
  return all;
}

/** Every reader, still connected, got the whole log in order, and the log is what the publishers were answered. */
export async function assertComplete(
  ch: string,
  readers: readonly RawClient[],
  publishers: readonly CountingPublisher[],
): Promise<void> {
  const log = await wholeHistory(readers[0]!, ch);
  assertStoredOnce(log, publishers);
  for (const reader of readers) {
    const watch = reader.channel(ch);
    await until("the end of the log", () => (watch.seqs.at(-1) ?? 0) >= log.length);
    watch.assertConsecutive();
    assert.deepEqual(watch.resets, []);
    assert.deepEqual(
      watch.data,
      log.map(({ data }) => data),
    );
    assert.ok(reader.isOpen);
  }
}

/** Every acknowledged message is in the log where its `ok` said, and nothing is there twice. */
export function assertStoredOnce(log: HistoryMessage[], publishers: readonly CountingPublisher[]): void {
  assert.equal(new Set(log.map(({ data }) => data)).size, log.length, "nothing is stored twice");
  for (const { seq, user, data } of publishers.flatMap(({ acknowledged }) => acknowledged)) {
    const stored = log[seq - 1];
    assert.deepEqual([stored?.seq, stored?.user, stored?.data], [seq, user, data], "stored where ok said");
  }
}
