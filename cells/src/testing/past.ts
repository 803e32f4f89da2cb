/** A channel's past as it lies in logs: made from a description, together with the plain list it stands for. */
import { encodeControl, encodeRecord, joinFragments, messageFragment, subjects } from "@plexus/protocol";
import { type Segment, Tail } from "@plexus/runtime";
import fc from "fast-check";
import type { ChannelLogs } from "../loader.js";
import type { ReadableChannel } from "../reader.js";
import { MemoryLog } from "./memory-log.js";

export const TENANT = "acme";
export const CHANNEL = "chat.a";
export const EPOCH = "e1";

export interface PastRecord {
  /** Messages in it. */
  readonly n: number;
  /** Time since the record before, milliseconds. */
  readonly afterMs: number;
  /** Records of other channels stored in between. */
  readonly others: number;
}

/** Where the channel lived, one cell after the other. */
export interface Past {
  readonly stretches: ReadonlyArray<{ readonly cell: number; readonly records: readonly PastRecord[] }>;
  /** Even the first stretch began with an open record: the channel was asked for while it was moving. */
  readonly openedFirst: boolean;
  /** How many of the oldest records have been removed already. */
  readonly trimmed: number;
  /** Records that the actor's tail holds at most. */
  readonly tailRecords: number;
}

export interface PastMessage {
  readonly seq: number;
  readonly storedAt: number;
}

interface PlacedMessage extends PastMessage {
  /** The record that holds it. */
  readonly first: number;
  readonly n: number;
  readonly cell: string;
  readonly logSeq: number;
}

export interface BuiltPast {
  readonly logs: ChannelLogs;
  readonly cells: ReadonlyMap<string, MemoryLog>;
  readonly head: number;
  readonly fence: number;
  readonly segments: readonly Segment[];
  /** Every message that a log still holds. */
  readonly stored: readonly PastMessage[];
  readonly now: number;
  /** The channel as its actor shows it; the tail is a new one each time. */
  readable(retention: { messages: number; ageMs: number }): ReadableChannel;
}

const anyPastRecord = fc.record({
  n: fc.integer({ min: 1, max: 6 }),
  afterMs: fc.nat(50),
  others: fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, fc.nat(12)),
});

export const anyPast: fc.Arbitrary<Past> = fc.record({
  stretches: fc.array(fc.record({ cell: fc.nat(2), records: fc.array(anyPastRecord, { maxLength: 25 }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  openedFirst: fc.boolean(),
  trimmed: fc.oneof(fc.constant(0), fc.nat(30)),
  tailRecords: fc.nat(8),
});

export const anyRetention = fc.record({
  messages: fc.oneof(fc.constant(1_000_000), fc.integer({ min: 1, max: 120 })),
  ageMs: fc.oneof(fc.constant(1_000_000), fc.integer({ min: 1, max: 2_000 })),
});

/** A record of `n` messages from `seq` on, each about `bytes` bytes large. */
export function recordOf(seq: number, n: number, ts: number, bytes = 0, epoch = EPOCH): Uint8Array {
  const fragments = Array.from({ length: n }, (_, i) =>
    messageFragment(`m${seq + i}`, '"u"', '"c"', JSON.stringify("x".repeat(bytes))),
  );
  return encodeRecord(CHANNEL, epoch, seq, [joinFragments(fragments)], ts);
}

export function subjectIn(cell: string): string {
  return subjects.log(cell, TENANT, CHANNEL);
}

export function logsOf(cell: string, cells: ReadonlyMap<string, MemoryLog>): ChannelLogs {
  const log = (id: string) => cells.get(id)!;
  return { cell, own: log(cell), of: (id) => Promise.resolve(log(id)), subject: subjectIn };
}

export function buildPast(past: Past): BuiltPast {
  const cells = new Map(["c0", "c1", "c2"].map((id) => [id, new MemoryLog()]));
  const messages: PlacedMessage[] = [];
  const segments: Segment[] = [];
  let [now, seq, fence, opened] = [1_000_000, 0, 0, 0];
  let presentFirst = 1;
  let inTail: Array<{ seq: number; n: number; bytes: Uint8Array; at: number }> = [];
  for (const [i, stretch] of past.stretches.entries()) {
    const cell = `c${stretch.cell}`;
    const log = cells.get(cell)!;
    const first = seq + 1;
    presentFirst = first;
    opened = 0;
    if (i > 0 || past.openedFirst) {
      log.now = now;
      opened = log.put(subjectIn(cell), control("open", seq + 1, segments));
      fence = opened;
    }
    for (const { n, afterMs, others } of stretch.records) {
      now += afterMs;
      log.now = now;
      for (let k = 0; k < others; k++) log.put(subjects.log(cell, TENANT, "other"), recordOf(1, 1, now));
      const bytes = recordOf(seq + 1, n, now);
      fence = log.put(subjectIn(cell), bytes, opened);
      const placed = { first: seq + 1, n, storedAt: now, cell, logSeq: fence };
      for (let k = 1; k <= n; k++) messages.push({ ...placed, seq: seq + k });
      inTail.push({ seq: seq + 1, n, bytes, at: now });
      seq += n;
    }
    if (seq >= first) segments.push({ cell, first, last: seq, low: Math.max(1, opened), high: fence });
    if (i === past.stretches.length - 1) continue;
    log.put(subjectIn(cell), control("seal", seq + 1, segments), opened);
    inTail = [];
  }
  const home = `c${past.stretches.at(-1)!.cell}`;
  const keptFrom = opened > 0 ? presentFirst : Number.POSITIVE_INFINITY;
  const stored = trimmedTo(past.trimmed, messages, cells, keptFrom);
  return {
    logs: logsOf(home, cells),
    cells,
    head: seq,
    fence,
    segments,
    stored,
    now,
    readable: (retention) => {
      const tail = new Tail({ maxRecords: past.tailRecords, maxBytes: 1_000_000 });
      const oldest = stored[0]?.seq ?? 1;
      for (const record of inTail) if (past.tailRecords > 0 && record.seq >= oldest) tail.push(record);
      const position = { epoch: EPOCH, seq };
      return { logs: logsOf(home, cells), position, fence, tail, segments, opened, retention };
    },
  };
}

function control(op: "open" | "seal", seq: number, segments: readonly Segment[]): Uint8Array {
  const shared = { ch: CHANNEL, epoch: EPOCH, seq, n: 0, segments: [...segments] };
  return op === "open"
    ? encodeControl({ op, from: "c9", ...shared })
    : encodeControl({ op, to: "c9", fresh: false, ...shared });
}

/**
 * Removes the oldest records as trimming does: all of the channel's below one of them, in whatever log it lies.
 * What must stay is the newest record, and the present stretch where an open record begins it.
 */
function trimmedTo(
  records: number,
  messages: readonly PlacedMessage[],
  cells: ReadonlyMap<string, MemoryLog>,
  keptFrom: number,
): PastMessage[] {
  const newest = messages.at(-1)?.seq ?? 0;
  const removable = messages.filter(({ seq, first, n }) => seq < keptFrom && first + n - 1 < newest);
  const firsts = [...new Set(removable.map(({ first }) => first))].slice(0, records);
  const last = messages.findLast(({ first }) => first === firsts.at(-1));
  const kept = messages.filter(({ seq }) => last === undefined || seq > last.seq);
  for (const { cell, logSeq, seq } of messages)
    if (last !== undefined && seq <= last.seq) cells.get(cell)!.cut(subjectIn(cell), logSeq + 1);
  return kept;
}
