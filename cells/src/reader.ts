/**
 * Reading a channel's past: from the actor's tail where that reaches, else from the logs of the cells where the
 * channel has lived, stretch by stretch.
 *
 * A log is addressed by its own sequence, a channel by its seq. The record that holds a given seq is found by
 * searching between two records whose positions are known, alternating interpolation and bisection: a handful
 * of questions at any depth, and nothing to keep besides the log.
 */
import { type Position, recordInEpoch } from "@plexus/protocol";
import type { ReadAnswer, ReadRange, Segment, Tail } from "@plexus/runtime";
import type { ChannelLogs } from "./loader.js";
import type { ChannelLog, StoredRecord } from "./log.js";

/** One answer must fit a NATS message with room to spare. */
const MAX_ANSWER_BYTES = 512 * 1024;
/** A page may have to be read whole before its far side is cut. */
const MAX_READ_BYTES = 8 * 1024 * 1024;
const MAX_READ_RECORDS = 2_000;
/** So few messages are asked for record by record: making a consumer costs JetStream many times as much as a get. */
const FEW = 8;

export interface ReadableChannel {
  readonly logs: ChannelLogs;
  readonly position: Position;
  readonly fence: number;
  readonly tail: Tail;
  /** Where the messages are, oldest first; the last one is the present stretch in this cell's log. */
  readonly segments: readonly Segment[];
  /** Log sequence of the record that says where the past is; 0 if there is none. */
  readonly opened: number;
  /** What retention keeps. */
  readonly retention: { readonly messages: number; readonly ageMs: number };
}

/** Seqs `from` to `to`; `backwards`: of a page that is too large, the newest part counts. */
interface Wanted {
  readonly from: number;
  readonly to: number;
  readonly backwards: boolean;
  /** As many from the oldest on, where retention took the first of them. */
  readonly orOldest?: true | undefined;
}

export async function readRange(
  channel: ReadableChannel,
  range: ReadRange,
  now: number,
): Promise<ReadAnswer> {
  const head = { ...channel.position };
  const nothing = (state: ReadAnswer["state"], oldest: number): ReadAnswer => ({
    head,
    state,
    records: [],
    oldest,
  });
  if (range.epoch !== undefined && range.epoch !== head.epoch) return nothing("unknown", 0);
  if (range.after !== undefined && range.after > head.seq) return nothing("unknown", 0);
  const wanted = toWanted(range, head);
  if (wanted.to < wanted.from) return nothing("ok", wanted.from);
  return fromTail(channel, wanted, now) ?? fromLogs(channel, wanted, now);
}

function toWanted(range: ReadRange, head: Position): Wanted {
  const { after, limit, orOldest } = range;
  if (after !== undefined)
    return { from: after + 1, to: Math.min(head.seq, after + limit), backwards: false, orOldest };
  const to = Math.min(head.seq, (range.before ?? head.seq + 1) - 1);
  return { from: Math.max(1, to - limit + 1), to, backwards: true };
}

function fromTail(channel: ReadableChannel, wanted: Wanted, now: number): ReadAnswer | undefined {
  const { tail, position, retention } = channel;
  tail.dropBefore(now - retention.ageMs);
  const found = tail.after(wanted.from - 1);
  // Going backwards, a page that begins just where the tail does could not tell whether there is more before it.
  if (wanted.backwards && wanted.from > 1 && tail.oldest === wanted.from) return undefined;
  // A tail that reaches further back than retention keeps must not show it.
  if (found === undefined || found.length === 0 || tail.oldest! <= position.seq - retention.messages)
    return undefined;
  const records = found.filter((record) => record.seq <= wanted.to).map((record) => record.bytes);
  return {
    head: { ...position },
    state: "ok",
    records: fit(records, wanted.backwards),
    oldest: tail.oldest!,
  };
}

async function fromLogs(channel: ReadableChannel, asked: Wanted, now: number): Promise<ReadAnswer> {
  const head = { ...channel.position };
  const oldest = await oldestSeq(channel, asked, now);
  const wanted = asked.orOldest && oldest <= head.seq ? notBefore(oldest, asked, head) : asked;
  if (!wanted.backwards && wanted.from < oldest) return { head, state: "trimmed", records: [], oldest };
  const from = Math.max(wanted.from, oldest);
  if (from > wanted.to) return { head, state: "ok", records: [], oldest };
  const read = await readPage(channel, { ...wanted, from });
  // Trimmed in the meantime.
  const reaches = read[0]?.head.seq ?? head.seq + 1;
  if (!wanted.backwards && reaches > wanted.from)
    return { head, state: "trimmed", records: [], oldest: reaches };
  // What was written before the log was restored bears the epoch of then.
  const bytes = read.map((record) => recordInEpoch(record.bytes, record.head, head.epoch));
  return { head, state: "ok", records: fit(bytes, wanted.backwards), oldest };
}

function notBefore(oldest: number, wanted: Wanted, head: Position): Wanted {
  const later = Math.max(0, oldest - wanted.from);
  return { ...wanted, from: wanted.from + later, to: Math.min(head.seq, wanted.to + later) };
}

/**
 * The oldest seq that can be read, as far as a page has to know: exactly where that lies within the page or behind
 * it, otherwise any that lies before it. So a cell of the past that is away is missed only by those who read there.
 */
async function oldestSeq(channel: ReadableChannel, wanted: Wanted, now: number): Promise<number> {
  const { logs, segments, position, retention } = channel;
  const kept = position.seq - retention.messages + 1;
  const begin = Math.max(kept, wanted.from);
  for (const [i, segment] of segments.entries()) {
    if (segment.last < begin) continue;
    const record = await firstSince(logs, segment, now - retention.ageMs);
    if (record === null) continue;
    const oldest = Math.max(kept, record.head.seq);
    if (!wanted.backwards || oldest !== wanted.from) return oldest;
    const past = segments.slice(0, i).filter(({ last }) => last >= kept);
    return oldestBefore(channel, past, oldest, now);
  }
  return position.seq + 1;
}

/** Whether something can be read before a stretch that is read from its beginning: the seq of that, or its own. */
async function oldestBefore(
  { logs, retention }: ReadableChannel,
  past: readonly Segment[],
  seq: number,
  now: number,
): Promise<number> {
  for (const segment of past.toReversed()) {
    const first = await firstSince(logs, segment, now - retention.ageMs).then(
      (record) => record?.head.seq,
      // Not known to be gone: whoever reads on is told that it is away.
      () => segment.first,
    );
    if (first !== undefined) return first;
  }
  return seq;
}

/** The first record of a segment that was stored at or after a time; the one that opened it counts. */
async function firstSince(logs: ChannelLogs, segment: Segment, time: number): Promise<StoredRecord | null> {
  const log = await logs.of(segment.cell);
  const subject = logs.subject(segment.cell);
  const first = await log.next(subject, segment.low);
  if (first === null || first.logSeq > segment.high) return null;
  if (first.storedAt >= time) return first;
  const [young] = await log.read(subject, { storedAt: time }, { records: 1, bytes: 1 });
  return young !== undefined && young.logSeq <= segment.high ? young : null;
}

/**
 * The records that hold the seqs wanted, without a hole. Of a page that is too large to be read at once the far
 * side is left out: the end if it goes forwards, the beginning if it goes backwards.
 */
async function readPage(channel: ReadableChannel, wanted: Wanted): Promise<StoredRecord[]> {
  for (let { from } = wanted; ; from = Math.ceil((from + wanted.to) / 2)) {
    const records = await readSegments(channel, { ...wanted, from });
    const last = records.at(-1);
    const reaches = last !== undefined && lastSeq(last) >= wanted.to;
    if (!wanted.backwards || reaches || from >= wanted.to) return records;
  }
}

/** The records that hold the seqs wanted, stretch by stretch, as far as the bounds allow. */
async function readSegments(channel: ReadableChannel, wanted: Wanted): Promise<StoredRecord[]> {
  const maxBytes = wanted.backwards ? MAX_READ_BYTES : MAX_ANSWER_BYTES;
  const found: StoredRecord[] = [];
  let bytes = 0;
  let next = wanted.from;
  for (const segment of channel.segments) {
    if (segment.last < next || segment.first > wanted.to || bytes >= maxBytes) continue;
    const log = await channel.logs.of(segment.cell);
    const subject = channel.logs.subject(segment.cell);
    const first = Math.max(next, segment.first);
    const logSeq = await locate(log, subject, segment, first);
    const last = Math.min(segment.last, wanted.to);
    const bounds = { records: Math.min(MAX_READ_RECORDS, wanted.to - next + 2), bytes: maxBytes - bytes };
    const read =
      last - first < FEW
        ? readFew(log, subject, { logSeq, high: segment.high, last }, bounds.bytes)
        : log.read(subject, { logSeq }, bounds);
    for (const record of await read) {
      if (record.logSeq > segment.high || record.head.seq > wanted.to) break;
      if (record.head.n === 0 || lastSeq(record) < next) continue;
      // Trimmed further than the cell before, of which retention may count more as kept again: one side is left out.
      if (found.length > 0 && record.head.seq > next) {
        if (!wanted.backwards) return found;
        found.length = 0;
      }
      found.push(record);
      bytes += record.bytes.length;
      next = lastSeq(record) + 1;
    }
    // Cut short by a bound: what lies in later stretches would leave a hole.
    if (next <= Math.min(segment.last, wanted.to)) break;
  }
  return found;
}

/** From one log sequence to another, or up to the record that holds the seq `last`. */
async function readFew(
  log: ChannelLog,
  subject: string,
  { logSeq, high, last }: { logSeq: number; high: number; last: number },
  maxBytes: number,
): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  let bytes = 0;
  for (let at = logSeq; at <= high && bytes < maxBytes; ) {
    const record = await log.next(subject, at);
    if (record === null) break;
    records.push(record);
    bytes += record.bytes.length;
    if (lastSeq(record) >= last) break;
    at = record.logSeq + 1;
  }
  return records;
}

/** As many records as fit an answer: the newest of a page that goes backwards, else the oldest. */
function fit(records: Uint8Array[], fromTheEnd: boolean): Uint8Array[] {
  let bytes = 0;
  let n = 0;
  while (n < records.length) {
    bytes += records[fromTheEnd ? records.length - 1 - n : n]!.length;
    if (n > 0 && bytes > MAX_ANSWER_BYTES) break;
    n++;
  }
  return fromTheEnd ? records.slice(records.length - n) : records.slice(0, n);
}

function lastSeq(record: StoredRecord): number {
  return record.head.seq + record.head.n - 1;
}

/** The log sequence of the record in a segment that holds `seq`, or of the first one after it. */
export async function locate(
  log: ChannelLog,
  subject: string,
  segment: Segment,
  seq: number,
): Promise<number> {
  let low = { logSeq: segment.low, seq: segment.first };
  let high = { logSeq: segment.high, seq: segment.last };
  for (let step = 0; low.logSeq < high.logSeq; step++) {
    const share = step % 2 === 0 ? (seq - low.seq) / Math.max(1, high.seq - low.seq) : 0.5;
    const guess = low.logSeq + Math.floor((high.logSeq - low.logSeq) * Math.min(1, Math.max(0, share)));
    const record = await log.next(subject, guess);
    if (record === null || record.logSeq > high.logSeq || record.head.seq > seq)
      high = { logSeq: guess - 1, seq };
    else if (lastSeq(record) < seq) low = { logSeq: record.logSeq + 1, seq: lastSeq(record) + 1 };
    else return record.logSeq;
  }
  return low.logSeq;
}
