/**
 * A channel's records since a time, out of a log that can only be asked for the next record of a subject from a sequence
 * on. Few questions, each a direct get: making a consumer for it costs JetStream many times as much, and after a worker's
 * end every channel that is published to has to ask.
 *
 * Most channels have few records: they are read from the newest one back, since each names the one before it, and a get of
 * a known sequence makes the server search for nothing. Where there are many, it is searched for where they begin.
 *
 * It rests on the log's times not going back from one record to the next.
 */
import type { Segment } from "@plexus/runtime";
import type { StoredRecord } from "./log.js";
import type { Reading } from "./persistent.js";

/** Records that are read one by one from the newest back: about what a consumer costs the server. */
const MAX_STEPS = 128;
/** After so many of them it is estimated whether that will do. */
const FIRST_STEPS = 8;
/** Where so few messages are left, their records are asked for one by one; more of them are read in one go. */
const FEW = 8;
/** Records read at once. */
const PAGE = { records: 2_000, bytes: 8 * 1024 * 1024 };

/** Where in the log records are, and which messages they hold. */
type Stretch = Pick<Segment, "first" | "last" | "low" | "high">;

export interface Since {
  /** Oldest first. */
  readonly records: StoredRecord[];
  /** The stretch holds an older one as well. */
  readonly reachesBack: boolean;
}

/** The records of a stretch that were stored at `storedAt` or later. */
export async function recordsSince(
  log: Reading,
  subject: string,
  stretch: Stretch,
  storedAt: number,
): Promise<Since> {
  const newest = await walkBack(log, subject, stretch, storedAt);
  const [oldest] = newest;
  const reachesBack = oldest !== undefined && oldest.storedAt < storedAt;
  const young = newest.filter((record) => record.storedAt >= storedAt);
  if (reachesBack || oldest?.head.seq === stretch.first) return { records: young, reachesBack };
  const rest =
    oldest === undefined ? stretch : { ...stretch, last: oldest.head.seq - 1, high: oldest.logSeq - 1 };
  const before = await search(log, subject, rest, storedAt);
  return { ...before, records: [...before.records, ...young] };
}

/** Oldest first; the first one may be too old. Fewer than there are where a record does not name the one before it. */
async function walkBack(
  log: Reading,
  subject: string,
  stretch: Stretch,
  storedAt: number,
): Promise<StoredRecord[]> {
  const found: StoredRecord[] = [];
  for (let at = stretch.high; at >= Math.max(1, stretch.low) && found.length < MAX_STEPS; ) {
    const record = await log.next(subject, at);
    // It was trimmed: what comes instead is known already.
    if (record === null || record.logSeq !== at || !precedes(record, found.at(-1))) break;
    found.push(record);
    if (record.storedAt < storedAt) break;
    if (found.length === FIRST_STEPS && stepsLeft(found, stretch, storedAt) > MAX_STEPS) break;
    at = record.previous;
  }
  return found.reverse();
}

/** As many as there are messages, and as the pace of the newest ones makes of the time that is left. */
function stepsLeft(found: readonly StoredRecord[], { first }: Stretch, storedAt: number): number {
  const [newest, oldest] = [found[0]!, found.at(-1)!];
  const perStepMs = (newest.storedAt - oldest.storedAt) / found.length;
  return Math.min(oldest.head.seq - first, (oldest.storedAt - storedAt) / perStepMs);
}

function precedes({ head }: StoredRecord, next: StoredRecord | undefined): boolean {
  return next === undefined || (head.epoch === next.head.epoch && head.seq + head.n === next.head.seq);
}

/** The same for what may be many. */
async function search(log: Reading, subject: string, stretch: Stretch, storedAt: number): Promise<Since> {
  const oldest = await nextIn(log, subject, stretch, stretch.low);
  if (oldest === null) return { records: [], reachesBack: false };
  const reachesBack = oldest.storedAt < storedAt;
  const searched = reachesBack && isMany(stretch, oldest);
  const first = searched ? await firstSince(log, subject, stretch, oldest.logSeq + 1, storedAt) : oldest;
  const found = first === null ? [] : await allFrom(log, subject, stretch, first);
  return { records: found.filter((record) => record.storedAt >= storedAt), reachesBack };
}

function isMany({ last }: Stretch, { head }: StoredRecord): boolean {
  return last - head.seq >= FEW;
}

async function nextIn(
  log: Reading,
  subject: string,
  { high }: Pick<Stretch, "high">,
  logSeq: number,
): Promise<StoredRecord | null> {
  if (logSeq > high) return null;
  const record = await log.next(subject, logSeq);
  return record === null || record.logSeq > high ? null : record;
}

/** Halves what is left until the first record is found that is young enough; null where none is. */
export async function firstSince(
  log: Reading,
  subject: string,
  stretch: Pick<Stretch, "high">,
  from: number,
  storedAt: number,
): Promise<StoredRecord | null> {
  let found: StoredRecord | null = null;
  let [low, high] = [from, stretch.high];
  while (low <= high) {
    const middle = low + Math.floor((high - low) / 2);
    const record = await nextIn(log, subject, stretch, middle);
    if (record !== null && record.storedAt < storedAt) {
      low = record.logSeq + 1;
      continue;
    }
    found = record ?? found;
    high = middle - 1;
  }
  return found;
}

async function allFrom(
  log: Reading,
  subject: string,
  stretch: Stretch,
  first: StoredRecord,
): Promise<StoredRecord[]> {
  const records = [first];
  for (let last = first; last.logSeq < stretch.high; last = records.at(-1)!) {
    const page = isMany(stretch, last)
      ? await log.read(subject, { logSeq: last.logSeq + 1 }, PAGE)
      : [await nextIn(log, subject, stretch, last.logSeq + 1)];
    const fitting = page.filter((record) => record !== null && record.logSeq <= stretch.high);
    if (fitting.length === 0) break;
    records.push(...(fitting as StoredRecord[]));
  }
  return records;
}
