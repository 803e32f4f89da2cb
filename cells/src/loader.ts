/** Reading back all that an actor has to know: where the channel stands, and the ids of its window. */
import { decodeRecord } from "@plexus/protocol";
import type { LoadedChannel } from "./channel.js";
import type { ChannelLog, StoredRecord } from "./log.js";
import { WINDOW_MS } from "./window.js";

/** Records of the window read at once. */
const PAGE = { records: 2_000, bytes: 8 * 1024 * 1024 };
/** The worker's clock and the log's may differ by so much before an id could be forgotten early. */
const CLOCK_SKEW_MS = 120_000;

export async function loadChannel(log: ChannelLog, subject: string, now: number): Promise<LoadedChannel> {
  const last = await log.last(subject);
  if (last === null) {
    return { position: { epoch: log.incarnation, seq: 0 }, fence: 0, last: null, ids: [] };
  }
  return {
    position: { epoch: last.head.epoch, seq: last.head.seq + last.head.n - 1 },
    fence: last.logSeq,
    last: last.bytes,
    ids: await readWindow(log, subject, last, now),
  };
}

async function readWindow(
  log: ChannelLog,
  subject: string,
  last: StoredRecord,
  now: number,
): Promise<LoadedChannel["ids"]> {
  if (last.storedAt < now - WINDOW_MS - CLOCK_SKEW_MS) return [];
  const ids: LoadedChannel["ids"] = [];
  let from: { storedAt: number } | { logSeq: number } = { storedAt: last.storedAt - WINDOW_MS };
  for (;;) {
    const records = await log.read(subject, from, PAGE);
    for (const record of records) {
      if (record.head.op !== "msg") continue;
      const { seq, m } = decodeRecord(record.bytes);
      for (const [i, { id, user, ts }] of m.entries()) ids.push({ id, user, seq: seq + i, ts });
    }
    const newest = records.at(-1);
    if (newest === undefined || newest.logSeq >= last.logSeq) return ids;
    from = { logSeq: newest.logSeq + 1 };
  }
}
