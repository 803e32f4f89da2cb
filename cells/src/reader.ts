/**
 * Reading a channel's past: from the actor's tail where that reaches, else from the log.
 *
 * The log is addressed by its own sequence, a channel by its seq. The record that holds a given seq is found
 * by searching between two records whose positions are known, alternating interpolation and bisection: a
 * handful of questions at any depth, and nothing to keep besides the log.
 */
import type { ReadAnswer, ReadRange, Tail } from "@plexus/runtime";
import type { ChannelLog, StoredRecord } from "./log.js";

/** One answer must fit a NATS message with room to spare. */
const MAX_ANSWER_BYTES = 512 * 1024;
/** A page may have to be read whole before its far side is cut. */
const MAX_READ_BYTES = 8 * 1024 * 1024;
const MAX_READ_RECORDS = 2_000;

export interface ReadableChannel {
  readonly subject: string;
  readonly position: { readonly epoch: string; readonly seq: number };
  readonly fence: number;
  readonly tail: Tail;
  /** What retention keeps. */
  readonly retention: { readonly messages: number; readonly ageMs: number };
}

export async function readRange(
  log: ChannelLog,
  channel: ReadableChannel,
  range: ReadRange,
  now: number,
): Promise<ReadAnswer> {
  const head = { ...channel.position };
  const empty = (state: ReadAnswer["state"], oldest: number): ReadAnswer => ({
    head,
    state,
    records: [],
    oldest,
  });
  if (range.epoch !== undefined && range.epoch !== head.epoch) return empty("unknown", 0);
  if (range.after !== undefined && range.after > head.seq) return empty("unknown", 0);

  // [first, last] is what is wanted, in seqs.
  const backwards = range.after === undefined;
  const last = backwards
    ? Math.min(head.seq, (range.before ?? head.seq + 1) - 1)
    : Math.min(head.seq, range.after! + range.limit);
  const wanted = backwards ? Math.max(1, last - range.limit + 1) : range.after! + 1;
  if (last < wanted) return empty("ok", wanted);

  channel.tail.dropBefore(now - channel.retention.ageMs);
  const fromTail = channel.tail.after(wanted - 1);
  if (fromTail !== undefined && fromTail.length > 0) {
    const records = fromTail.filter((record) => record.seq <= last);
    const oldest = channel.tail.oldest!;
    if (oldest > head.seq - channel.retention.messages) {
      const fitting = fit(
        records.map((record) => record.bytes),
        backwards,
      );
      return { head, state: "ok", records: fitting, oldest };
    }
  }
  return readLog(log, channel, { wanted, last, backwards, head }, now);
}

async function readLog(
  log: ChannelLog,
  channel: ReadableChannel,
  want: { wanted: number; last: number; backwards: boolean; head: { epoch: string; seq: number } },
  now: number,
): Promise<ReadAnswer> {
  const { head } = want;
  const oldestRecord = await log.next(channel.subject, 1);
  if (oldestRecord === null) return { head, state: "trimmed", records: [], oldest: head.seq + 1 };
  const oldest = Math.max(oldestRecord.head.seq, head.seq - channel.retention.messages + 1);
  if (!want.backwards && want.wanted < oldest) return { head, state: "trimmed", records: [], oldest };
  const first = Math.max(want.wanted, oldest);
  if (first > want.last) return { head, state: "ok", records: [], oldest };

  const start = await locate(log, channel, oldestRecord, first);
  const bounds = { records: MAX_READ_RECORDS, bytes: want.backwards ? MAX_READ_BYTES : MAX_ANSWER_BYTES };
  const expected = Math.min(bounds.records, want.last - first + 1);
  const read = await log.read(channel.subject, { logSeq: start }, { ...bounds, records: expected });
  const young = read.filter((record) => record.head.n > 0 && record.storedAt > now - channel.retention.ageMs);
  const records = young.filter((record) => record.head.seq <= want.last && lastSeq(record) >= first);
  const reaches = records[0]?.head.seq ?? head.seq + 1;
  if (!want.backwards && reaches > want.wanted)
    return { head, state: "trimmed", records: [], oldest: reaches };
  const kept = fit(
    records.map((record) => record.bytes),
    want.backwards,
  );
  return {
    head,
    state: "ok",
    records: kept,
    oldest: Math.max(oldest, young.length < read.length ? reaches : 0),
  };
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

/** The log sequence of the record that holds `seq`, which lies between `oldest` and the channel's head. */
export async function locate(
  log: ChannelLog,
  channel: Pick<ReadableChannel, "subject" | "fence" | "position">,
  oldest: StoredRecord,
  seq: number,
): Promise<number> {
  // The record sought has a log sequence in [low, high].
  let low = { logSeq: oldest.logSeq, seq: oldest.head.seq };
  let high = { logSeq: channel.fence, seq: channel.position.seq };
  if (seq <= lastSeq(oldest)) return oldest.logSeq;
  for (let step = 0; low.logSeq < high.logSeq; step++) {
    const share = step % 2 === 0 ? (seq - low.seq) / Math.max(1, high.seq - low.seq) : 0.5;
    const guess = low.logSeq + Math.floor((high.logSeq - low.logSeq) * Math.min(1, Math.max(0, share)));
    const record = await log.next(channel.subject, guess);
    if (record === null || record.head.seq > seq) high = { logSeq: guess - 1, seq };
    else if (lastSeq(record) < seq) low = { logSeq: record.logSeq + 1, seq: lastSeq(record) + 1 };
    else return record.logSeq;
  }
  return low.logSeq;
}
