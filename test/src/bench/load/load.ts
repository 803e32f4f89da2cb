/** One kind of load, as the generator process runs it. */
import type { DialectName } from "./dialects.js";

/** What has happened since the load began. */
export interface Counts {
  /** Messages handed to a server. */
  published: number;
  /** Of these, acknowledged. */
  acknowledged: number;
  /** Messages that reached a subscriber, over all subscribers. */
  delivered: number;
  /** Bytes of these as they came over the wire, where the load counts them. */
  receivedBytes: number;
}

export interface Percentiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Snapshot extends Counts {
  /** Monotonic, of the generator. */
  readonly atMs: number;
  /** Latencies since the snapshot before, where the load measures them. */
  readonly latency: Percentiles | null;
}

export interface Load {
  readonly counts: Counts;
  /** Since the last call. */
  takeLatency?(): Percentiles | null;
  /** Does once what the load is about, as far as that is to be chosen; resolves to figures by name. */
  act?(what: unknown): Promise<Record<string, number>>;
  stop(): void | Promise<void>;
}

export const noCounts = (): Counts => ({
  published: 0,
  acknowledged: 0,
  delivered: 0,
  receivedBytes: 0,
});

/** Where the load goes, and as whom. */
export interface Target {
  readonly dialect: DialectName;
  readonly port: number;
  readonly token: string;
}

const VOWELS = "aeiou";
const CONSONANTS = "bcdfghklmnprstvw";
const WORDS = 500;
/** Words of three to eight letters: made once, so that they come again as words do. */
const VOCABULARY = Array.from({ length: WORDS }, (_, i) => {
  const at = (letters: string, n: number) => letters[(i * 7 + n * 13 + ((i * n) % 11)) % letters.length]!;
  return Array.from({ length: 3 + (i % 6) }, (_, n) => at(n % 2 === 0 ? CONSONANTS : VOWELS, n)).join("");
});

/** `data` of so many bytes: words, other ones for another `seed`, which compress about as text of people does. */
export function words(bytes: number, seed: number): string {
  let text = "";
  let next = seed + 1;
  while (text.length < bytes) {
    next = (next * 48_271) % 0x7fffffff; // MINSTD, Park and Miller
    text += `${VOCABULARY[next % WORDS]} `;
  }
  return text.slice(0, bytes);
}

/** `data` of so many bytes, in characters that need no escapes anywhere. */
export function padding(bytes: number): string {
  return "x".repeat(bytes);
}
