/** Reading back all that an actor has to know: where the channel stands, and the ids of its window. */
import { decodeControl, type SealRecord, tryDecodeRecord } from "@plexus/protocol";
import type { Segment } from "@plexus/runtime";
import type { LoadedChannel, StoredId } from "./channel.js";
import type { ChannelLog, StoredRecord } from "./log.js";
import type { Reading } from "./persistent.js";
import { recordsSince } from "./since.js";
import { WINDOW_IN_LOG_MS, WINDOW_MS } from "./window.js";

/** One channel as it lies in the logs of the cells. */
export interface ChannelLogs {
  readonly cell: string;
  /** The log of this cell. */
  readonly own: ChannelLog;
  /** The log of any cell; rejects with `unavailable` if it can't be reached. */
  of(cell: string): Promise<ChannelLog>;
  /** The channel's subject in a cell's log. */
  subject(cell: string): string;
}

export async function loadChannel(logs: ChannelLogs, now: number): Promise<LoadedChannel> {
  const last = await logs.own.last(logs.subject(logs.cell));
  if (last === null) return emptyChannel(logs.own.incarnation);
  return last.head.op === "seal" ? fromSeal(last, now) : fromLast(logs, last, now);
}

/** A channel that was never written to. */
export function emptyChannel(epoch: string): LoadedChannel {
  return {
    position: { epoch, seq: 0 },
    fence: 0,
    newest: null,
    fresh: true,
    ids: [],
    newestAt: 0,
    segments: [],
    stretch: { first: 1, opened: 0 },
    openedAt: 0,
    sealedTo: null,
    tail: [],
  };
}

async function fromLast(logs: ChannelLogs, last: StoredRecord, now: number): Promise<LoadedChannel> {
  const opened = last.head.op === "open" ? last.logSeq : last.opened;
  const subject = logs.subject(logs.cell);
  const open = opened === 0 ? null : opened === last.logSeq ? last : await logs.own.next(subject, opened);
  const segments = open === null ? [] : decodeControl(open.bytes).segments;
  return {
    position: { epoch: last.head.epoch, seq: last.head.seq + last.head.n - 1 },
    fence: last.logSeq,
    newest: last,
    fresh: false,
    ids: isOld(last.storedAt, now) ? [] : null,
    newestAt: last.storedAt,
    segments,
    stretch: { first: open?.head.seq ?? 1, opened },
    openedAt: open?.storedAt ?? 0,
    sealedTo: null,
    tail: [],
  };
}

/** A seal says all about the past; the channel's own stretch is among its segments. */
function fromSeal(last: StoredRecord, now: number): LoadedChannel {
  const seal = decodeControl(last.bytes) as SealRecord;
  return {
    position: { epoch: seal.epoch, seq: seal.seq - 1 },
    fence: last.logSeq,
    newest: last,
    fresh: seal.fresh,
    ids: seal.fresh || isOld(last.storedAt, now) ? [] : null,
    newestAt: last.storedAt,
    segments: seal.segments,
    stretch: { first: seal.seq, opened: 0 },
    openedAt: 0,
    sealedTo: seal.to,
    tail: [],
  };
}

/** Nothing stored then can still be within the window. */
export function isOld(storedAt: number, now: number): boolean {
  return storedAt < now - WINDOW_IN_LOG_MS;
}

/**
 * The ids stored during the window before `until` (the time of the channel's newest record), oldest first: from the
 * logs of this cell and of those it lived in shortly before. What else these logs hold is of another epoch, whose
 * positions say nothing in this one.
 *
 * @param newest of this cell's log, where it is at hand: it need not be asked for again
 * @param ask how a log is asked: with patience where time is real
 */
export async function readWindow(
  logs: ChannelLogs,
  segments: readonly Segment[],
  until: number,
  newest: StoredRecord | null = null,
  ask: (log: Reading) => Reading = (log) => log,
): Promise<StoredId[]> {
  const since = until - WINDOW_MS;
  const ids: StoredId[] = [];
  for (const segment of [...segments].reverse()) {
    const log =
      segment.cell === logs.cell ? knowing(newest, ask(logs.own)) : ask(await logs.of(segment.cell));
    const subject = logs.subject(segment.cell);
    const { records, reachesBack } = await recordsSince(log, subject, segment, since);
    for (const record of records) {
      // One that nobody can read was not written by Plexus, and holds no id that it has promised to know.
      const frame = record.head.op === "msg" ? tryDecodeRecord(record.bytes) : null;
      for (const [i, { id, user, ts }] of (frame?.m ?? []).entries())
        ids.push({ id, user, seq: frame!.seq + i, ts });
    }
    // What lies before a record that is too old is older still.
    if (reachesBack) break;
  }
  return ids.sort((a, b) => a.seq - b.seq);
}

function knowing(record: StoredRecord | null, log: Reading): Reading {
  if (record === null) return log;
  return {
    next: (subject, from) => (from === record.logSeq ? Promise.resolve(record) : log.next(subject, from)),
    read: (...args) => log.read(...args),
  };
}
