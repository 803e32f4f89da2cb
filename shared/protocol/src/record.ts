/**
 * The record: one stored entry of a channel's log, and at the same time the bytes that JSON clients receive.
 *
 *   {"op":"msg","ch":"chat.lobby","epoch":"m3k9","seq":41,"n":2,"m":[{…},{…}]}
 *
 * The order of the fields before `m` is fixed, so that whoever forwards a record reads its head with a few
 * comparisons and never parses what the users wrote. `n`, the number of messages, is 0 in control records
 * (`op` "open" or "seal"), whose `seq` is the next one to be given.
 */
import { holds, numberBefore } from "./bytes.js";
import type { Message, MsgFrame } from "./frames.js";

export interface RecordHead {
  op: string;
  ch: string;
  epoch: string;
  /** The first message's seq. */
  seq: number;
  /** How many messages; `seq + n - 1` is the last one's seq. */
  n: number;
}

const HEAD =
  /^\{"op":"([a-z]+)","ch":"([A-Za-z0-9_.-]+)","epoch":"([A-Za-z0-9_-]+)","seq":(\d+),"n":(\d+)[,}]/;
/** Longer than any head: 200 characters of channel, 64 of epoch, two integers, the names of the fields. */
const MAX_HEAD_BYTES = 400;
const COMMA = 0x2c;
const CLOSING_BRACKET = 0x5d;
const CLOSING_BRACE = 0x7d;

const latin1 = new TextDecoder("latin1");
const utf8 = new TextDecoder();
const encoder = new TextEncoder();

/** The `op` of any frame on an event subject, read from its first bytes. */
export function opOf(bytes: Uint8Array): string {
  // {"op":"…"
  const from = 7;
  const end = bytes.indexOf(0x22, from);
  return end === -1 || end > from + 16 ? "" : latin1.decode(bytes.subarray(from, end));
}

/** Reads a record's head; null where the bytes are no record. */
export function readHead(bytes: Uint8Array): RecordHead | null {
  const match = HEAD.exec(latin1.decode(bytes.subarray(0, MAX_HEAD_BYTES)));
  if (match === null) return null;
  return { op: match[1]!, ch: match[2]!, epoch: match[3]!, seq: Number(match[4]), n: Number(match[5]) };
}

/** Where an actor writes a message's time: 13 digits from 2001 until 2286, or fewer and spaces behind, which JSON allows. */
const TIME_CHARS = 13;
const FRAGMENT_START = '{"id":';
const FRAGMENT_END = `,"ts":${" ".repeat(TIME_CHARS)}}`;
/** From a fragment's end back to its time. */
const TIME_FROM_END = TIME_CHARS + 1;

/**
 * A message as it stands in a record, made where it enters: all that is missing is its time, for which there is room.
 * `user` and `conn` come already encoded as JSON strings, since they are the same for a whole connection.
 */
export function messageFragment(id: string, userJson: string, connJson: string, dataJson: string): string {
  return fragmentFrom(JSON.stringify(id), fragmentSender(userJson, connJson), dataJson);
}

/** The middle of a fragment, which is the same for all of a sender's messages. */
export function fragmentSender(userJson: string, connJson: string): string {
  return `,"user":${userJson},"conn":${connJson},"data":`;
}

/** A fragment, where the sender's part is at hand. */
export function fragmentFrom(idJson: string, sender: string, dataJson: string): string {
  return `${FRAGMENT_START}${idJson}${sender}${dataJson}${FRAGMENT_END}`;
}

/** Bytes of a fragment beside those of its id, sender and data. */
export const FRAGMENT_OVERHEAD_BYTES = FRAGMENT_START.length + FRAGMENT_END.length;

/** Messages that follow each other in a record. */
export interface Fragments {
  /** Joined by commas. */
  readonly bytes: Uint8Array;
  /** Bytes of each. */
  readonly lengths: readonly number[];
}

/**
 * @param lengths of the fragments in bytes, where they are known
 * @param encode to UTF-8, where there is something better
 */
export function joinFragments(
  fragments: readonly string[],
  lengths?: readonly number[],
  encode: (text: string) => Uint8Array = (text) => encoder.encode(text),
): Fragments {
  const bytes = encode(fragments.join(","));
  const each = lengths ?? fragments.map((fragment) => encoder.encode(fragment).length);
  let size = each.length - 1;
  for (const length of each) size += length;
  // Times are written by them: a wrong one would spoil what was stored.
  if (size !== bytes.length)
    throw new RangeError("the lengths of the fragments are not those of their bytes");
  return { bytes, lengths: each };
}

/** Joins parts to a record. All of its messages get the same time, that of the append. */
export function encodeRecord(
  ch: string,
  epoch: string,
  seq: number,
  parts: readonly Fragments[],
  ts: number,
): Uint8Array {
  let n = 0;
  let size = 0;
  for (const { bytes, lengths } of parts) {
    n += lengths.length;
    size += bytes.length + 1;
  }
  const head = `{"op":"msg","ch":"${ch}","epoch":"${epoch}","seq":${seq},"n":${n},"m":[`;
  const record = new Uint8Array(head.length + size + 1);
  encoder.encodeInto(head, record);
  const time = timeChars(ts);
  let at = head.length;
  for (const { bytes, lengths } of parts) {
    record.set(bytes, at);
    for (const length of lengths) {
      at += length;
      for (let i = 0; i < TIME_CHARS; i++) record[at - TIME_FROM_END + i] = time[i]!;
      record[at++] = COMMA;
    }
  }
  record[at - 1] = CLOSING_BRACKET;
  record[at] = CLOSING_BRACE;
  return record;
}

/** Of the time that was written last: many records are made within a millisecond. */
const newest = { ts: Number.NaN, chars: new Uint8Array() };

function timeChars(ts: number): Uint8Array {
  if (newest.ts !== ts) {
    newest.chars = encoder.encode(String(ts).padEnd(TIME_CHARS));
    newest.ts = ts;
  }
  return newest.chars;
}

const BEFORE_TIME = encoder.encode(',"ts":');
const AFTER_TIME = encoder.encode("}]}");
const SPACE = 0x20;

/** The time of a record's last message, read from its end; null where it has none. */
export function lastTime(bytes: Uint8Array): number | null {
  let end = bytes.length - AFTER_TIME.length;
  if (!holds(bytes, AFTER_TIME, end)) return null;
  while (bytes[end - 1] === SPACE) end--;
  return numberBefore(bytes, end, BEFORE_TIME);
}

/** Bytes that a record of `fragmentBytes` bytes in `n` fragments or parts takes at most. */
export function recordBytes(fragmentBytes: number, n: number): number {
  return MAX_HEAD_BYTES + fragmentBytes + n;
}

export function decodeRecord(bytes: Uint8Array): MsgFrame {
  return JSON.parse(utf8.decode(bytes)) as MsgFrame;
}

/** The same of a record that somebody else may have written, or that is damaged: null where it is no JSON. */
export function tryDecodeRecord(bytes: Uint8Array): MsgFrame | null {
  try {
    return decodeRecord(bytes);
  } catch {
    // What is wrong with it makes no difference: nobody can read it.
    return null;
  }
}

/**
 * The part of a record that lies after `seq`, as a record of its own; the same bytes where that is all of it, null where
 * it can't be taken apart. Needed where a client's position lies inside a record.
 */
export function recordAfter(bytes: Uint8Array, head: RecordHead, seq: number): Uint8Array | null {
  if (seq < head.seq) return bytes;
  const frame = tryDecodeRecord(bytes);
  if (frame === null) return null;
  return encodeFrame({ ...frame, ...slice(frame.m, seq + 1 - head.seq), seq: seq + 1 });
}

/**
 * The record as one of another epoch. Where a channel goes on in a new epoch with its past (its log was restored from
 * a backup), what lies before is read as part of that: one read never mixes epochs.
 */
export function recordInEpoch(bytes: Uint8Array, head: RecordHead, epoch: string): Uint8Array {
  if (head.epoch === epoch) return bytes;
  const oldHead = encodeHead(head);
  const newHead = encodeHead({ ...head, epoch });
  const moved = new Uint8Array(bytes.length - oldHead.length + newHead.length);
  moved.set(newHead);
  moved.set(bytes.subarray(oldHead.length), newHead.length);
  return moved;
}

/** Everything before what follows `n`. */
function encodeHead({ op, ch, epoch, seq, n }: RecordHead): Uint8Array {
  return encoder.encode(`{"op":"${op}","ch":"${ch}","epoch":"${epoch}","seq":${seq},"n":${n}`);
}

/** A stretch of a channel's past in one cell's log; see docs/moving.md. */
export interface RecordSegment {
  cell: string;
  first: number;
  last: number;
  low: number;
  high: number;
}

/**
 * The last record of a channel in a cell's log: it has been given to the cell `to`. Whoever reads it later
 * knows all that a hand-over needs.
 */
export interface SealRecord extends RecordHead {
  op: "seal";
  to: string;
  /** There was no record before. */
  fresh: boolean;
  segments: RecordSegment[];
}

/** The first record of a channel in a cell's log after it was taken over. */
export interface OpenRecord extends RecordHead {
  op: "open";
  from: string | null;
  segments: RecordSegment[];
}

export function encodeControl(record: SealRecord | OpenRecord): Uint8Array {
  const { op, ch, epoch, seq, n, ...rest } = record;
  return encoder.encode(JSON.stringify({ op, ch, epoch, seq, n, ...rest }));
}

export function decodeControl(bytes: Uint8Array): SealRecord | OpenRecord {
  return JSON.parse(utf8.decode(bytes)) as SealRecord | OpenRecord;
}

function slice(messages: Message[], from: number): { n: number; m: Message[] } {
  const m = messages.slice(from);
  return { n: m.length, m };
}

function encodeFrame(frame: MsgFrame): Uint8Array {
  const { op, ch, epoch, seq, n, m } = frame;
  return encoder.encode(JSON.stringify({ op, ch, epoch, seq, n, m }));
}
