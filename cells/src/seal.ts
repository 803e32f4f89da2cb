/** The seal that ends a channel's life in a log, made out of that log alone: its workers may be gone. */
import { decodeControl, type SealRecord } from "@plexus/protocol";
import type { ChannelLog, StoredRecord } from "./log.js";

/** What a seal after the channel's newest record (null: there is none) has to say, but for whom it is given to. */
export async function sealAfter(
  log: ChannelLog,
  cell: string,
  subject: string,
  last: StoredRecord | null,
): Promise<Pick<SealRecord, "epoch" | "seq" | "fresh" | "segments">> {
  if (last === null) return { epoch: log.incarnation, seq: 1, fresh: true, segments: [] };
  const opened = last.head.op === "open" ? last.logSeq : last.opened;
  const open = opened === 0 ? null : await log.next(subject, opened);
  const first = open?.head.seq ?? 1;
  const seq = last.head.seq + last.head.n;
  const stretch = { cell, first, last: seq - 1, low: Math.max(1, opened), high: last.logSeq };
  const past = open === null ? [] : decodeControl(open.bytes).segments;
  return { epoch: last.head.epoch, seq, fresh: false, segments: seq > first ? [...past, stretch] : past };
}
