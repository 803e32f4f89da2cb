/** Records as JetStream gives them: by a direct get, by its slower kind, or by a consumer. */
import { PlexusError, readHead } from "@plexus/protocol";
import type { Msg } from "@plexus/runtime";
import type { StoredRecord } from "./log.js";
import { placeOf } from "./log-cursor.js";

/** Stays with what is stored, and so names the record before it. */
export const FENCE_HEADER = "Nats-Expected-Last-Subject-Sequence";
export const OPENED_HEADER = "Plexus-Opened";

/** The answer to a direct get. */
export function got(answer: Msg): StoredRecord {
  const logSeq = Number(answer.headers?.get("Nats-Sequence"));
  const storedAt = Date.parse(answer.headers?.get("Nats-Time-Stamp") ?? "");
  return toRecord(answer.subject, { bytes: answer.data, logSeq, storedAt, ...linksIn(answer) });
}

/** What `STREAM.MSG.GET` answers with. */
export interface FetchedMessage {
  subject: string;
  seq: number;
  time: string;
  data: string;
  hdrs?: string;
}

export function fetched({ subject, seq: logSeq, time, data, hdrs = "" }: FetchedMessage): StoredRecord {
  const headers = Buffer.from(hdrs, "base64").toString();
  const numberIn = (name: string) => Number(new RegExp(`${name}: ?(\\d+)`).exec(headers)?.[1] ?? 0);
  return toRecord(subject, {
    bytes: Buffer.from(data, "base64"),
    logSeq,
    storedAt: Date.parse(time),
    opened: numberIn(OPENED_HEADER),
    previous: numberIn(FENCE_HEADER),
  });
}

export function pulled(message: Msg): StoredRecord {
  const { logSeq, storedAt } = placeOf(message);
  const record = { bytes: message.data, logSeq, storedAt, ...linksIn(message) };
  return toRecord(message.subject, record);
}

function toRecord(subject: string, record: Omit<StoredRecord, "head">): StoredRecord {
  const head = readHead(record.bytes);
  if (head === null || !Number.isSafeInteger(record.logSeq))
    throw new PlexusError("internal", `the log holds something that is no record at ${subject}`);
  return { ...record, head };
}

function linksIn({ headers }: Msg): Pick<StoredRecord, "opened" | "previous"> {
  const numberIn = (name: string) => Number(headers?.get(name) || 0);
  return { opened: numberIn(OPENED_HEADER), previous: numberIn(FENCE_HEADER) };
}
