/**
 * Reading a channel's past must give what a plain list would: over records of any size, at any depth, in any
 * number of logs, whatever has been trimmed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError, readHead } from "@plexus/protocol";
import { type ReadAnswer, type ReadRange, type Router, readHistory, Tail } from "@plexus/runtime";
import fc from "fast-check";
import { locate, type ReadableChannel, readRange } from "./reader.js";
import { MemoryLog } from "./testing/memory-log.js";
import {
  anyPast,
  anyRetention,
  type BuiltPast,
  buildPast,
  CHANNEL,
  EPOCH,
  logsOf,
  type Past,
  recordOf,
  subjectIn,
  TENANT,
} from "./testing/past.js";

const KEEP_ALL = { messages: 1_000_000, ageMs: 1_000_000_000 };
const MAX_ANSWER_BYTES = 512 * 1024;

/** The seqs that retention and trimming have left. */
function visibleIn(built: BuiltPast, retention: { messages: number; ageMs: number }): number[] {
  return built.stored
    .filter(({ seq }) => seq > built.head - retention.messages)
    .filter(({ storedAt }) => storedAt >= built.now - retention.ageMs)
    .map(({ seq }) => seq);
}

/** The seqs that an answer brings; they must be consecutive. */
function seqsOf(records: readonly Uint8Array[]): number[] {
  const seqs = records.flatMap((bytes) => {
    const { seq, n } = readHead(bytes)!;
    return Array.from({ length: n }, (_, i) => seq + i);
  });
  assert.deepEqual(
    seqs,
    seqs.map((_, i) => seqs[0]! + i),
  );
  return seqs;
}

const anyRead = fc.record({ seq: fc.nat(200), limit: fc.integer({ min: 1, max: 80 }) });

test("forward: what lies after a seq, or that it is trimmed and from where on there is more", async () => {
  await fc.assert(
    fc.asyncProperty(anyPast, anyRetention, anyRead, async (past, retention, { seq, limit }) => {
      const built = buildPast(past);
      const after = seq % (built.head + 2);
      const answer = await readRange(built.readable(retention), { after, limit }, built.now);
      assert.deepEqual(answer.head, { epoch: EPOCH, seq: built.head });
      const visible = visibleIn(built, retention);
      const seqs = seqsOf(answer.records);
      if (after > built.head) assert.equal(answer.state, "unknown");
      else if (after === built.head) assert.deepEqual([answer.state, seqs], ["ok", []]);
      else if (visible.includes(after + 1)) {
        const to = Math.min(built.head, after + limit);
        assert.equal(answer.state, "ok");
        for (let wanted = after + 1; wanted <= to; wanted++) assert.ok(seqs.includes(wanted), `${wanted}`);
        assert.ok(readHead(answer.records.at(-1)!)!.seq <= to, "no record beyond what was asked for");
        assert.ok(seqs[0]! > after - 6, "no record before what was asked for");
      } else {
        assert.deepEqual([answer.state, seqs], ["trimmed", []]);
        assert.equal(answer.oldest, visible[0] ?? built.head + 1);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("forward, or else from the oldest on: what is trimmed is passed over by the same question", async () => {
  await fc.assert(
    fc.asyncProperty(anyPast, anyRetention, anyRead, async (past, retention, { seq, limit }) => {
      const built = buildPast(past);
      const after = seq % (built.head + 1);
      const range = { after, limit, orOldest: true } as const;
      const { state, records, oldest } = await readRange(built.readable(retention), range, built.now);
      const seqs = seqsOf(records);
      const first = visibleIn(built, retention).find((each) => each > after);
      if (after === built.head) assert.deepEqual([state, seqs], ["ok", []]);
      else if (first === undefined) assert.deepEqual([state, seqs, oldest], ["trimmed", [], built.head + 1]);
      else {
        assert.equal(state, "ok");
        assert.ok(seqs.includes(first), `${first}`);
        assert.ok(seqs.includes(Math.min(built.head, first + limit - 1)), "as many as were asked for");
      }
    }),
    { numRuns: 1_000 },
  );
});

test("backward: the newest before a seq, as many as there are", async () => {
  await fc.assert(
    fc.asyncProperty(anyPast, anyRetention, anyRead, async (past, retention, { seq, limit }) => {
      const built = buildPast(past);
      const before = seq % 3 === 0 ? undefined : 1 + (seq % (built.head + 5));
      const range: ReadRange = before === undefined ? { limit } : { before, limit };
      const answer = await readRange(built.readable(retention), range, built.now);
      const to = Math.min(built.head, (before ?? built.head + 1) - 1);
      const wanted = visibleIn(built, retention).filter((s) => s <= to && s > to - limit);
      assert.equal(answer.state, "ok");
      const seqs = seqsOf(answer.records);
      for (const each of wanted) assert.ok(seqs.includes(each), `${each}`);
      assert.equal(answer.records.length > 0, wanted.length > 0);
    }),
    { numRuns: 1_000 },
  );
});

/** The history of a channel as a client pages through it. */
async function pagedThrough(
  channel: ReadableChannel,
  now: number,
  limit: number,
  backwards: boolean,
): Promise<number[]> {
  const ask = (_kind: string, _tenant: string, _channel: string, range: ReadRange) =>
    readRange(channel, range, now);
  const router = { ask } as unknown as Router;
  const seqs: number[] = [];
  let edge = backwards ? undefined : 0;
  for (let page = 0; page < 1_000; page++) {
    const range = backwards ? { before: edge, limit } : { after: edge, limit };
    const { messages, more } = await readHistory(router, TENANT, CHANNEL, range);
    const got = messages.map(({ seq }) => seq);
    if (backwards) seqs.unshift(...got);
    else seqs.push(...got);
    if (!more) return seqs;
    edge = backwards ? got[0] : got.at(-1);
  }
  throw new Error("there is always more");
}

test("the history of a channel in which a message comes, and one goes, with every question", async () => {
  const { channel, log } = largeRecords(1_500, 1);
  let head = 1_500;
  const ask = async (_kind: string, _tenant: string, _channel: string, range: ReadRange) => {
    const moved = {
      position: { epoch: EPOCH, seq: head },
      fence: head,
      retention: { ...KEEP_ALL, messages: 1_000 },
    };
    const segments = [{ cell: "c0", first: 1, last: head, low: 1, high: head }];
    const answer = await readRange({ ...channel, ...moved, segments }, range, 1_000_000);
    log.put(subjectIn("c0"), recordOf(++head, 1, 1));
    return answer;
  };
  const router = { ask } as unknown as Router;
  const { messages, more } = await readHistory(router, TENANT, CHANNEL, { after: 0, limit: 200 });
  assert.deepEqual([messages.length, messages[0]?.seq, more], [200, 501, true]);
});

test("paging through the history, either way and in pages of any size, shows all there is, once", async () => {
  const anyLimit = fc.integer({ min: 1, max: 40 });
  await fc.assert(
    fc.asyncProperty(anyPast, anyRetention, anyLimit, fc.boolean(), async (past, retention, limit, back) => {
      const built = buildPast(past);
      const all = visibleIn(built, retention);
      const seqs = await pagedThrough(built.readable(retention), built.now, limit, back);
      // A record goes as a whole: messages that lie in one with the oldest that is kept may be shown, too.
      const shown = seqs.filter((seq) => seq >= (all[0] ?? built.head + 1));
      assert.deepEqual(shown, all);
      assert.ok(seqs.length - shown.length < 6, `${seqs.length - shown.length} more than are kept`);
    }),
    { numRuns: 600 },
  );
});

test("an epoch other than the channel's is unknown, whatever the seq", async () => {
  const built = buildPast({ ...LONG, trimmed: 0 });
  const read = (range: ReadRange) => readRange(built.readable(KEEP_ALL), range, built.now);
  assert.equal((await read({ after: 0, epoch: "other", limit: 5 })).state, "unknown");
  assert.equal((await read({ before: 9, epoch: "other", limit: 5 })).state, "unknown");
  assert.equal((await read({ after: 0, epoch: EPOCH, limit: 5 })).state, "ok");
});

test("where a channel goes on in a new epoch with its past, all of it is read as part of that", async () => {
  const past = { ...LONG, trimmed: 0, tailRecords: 0 };
  const built = buildPast(past);
  const position = { epoch: "restored", seq: built.head };
  const channel = { ...built.readable(KEEP_ALL), position };
  for (const range of [{ after: 0, limit: 500 }, { limit: 500 }, { after: 3, epoch: "restored", limit: 5 }]) {
    const { state, records } = await readRange(channel, range, built.now);
    assert.equal(state, "ok");
    assert.ok(records.length > 0);
    for (const bytes of records) assert.equal(readHead(bytes)!.epoch, "restored");
  }
  assert.equal((await readRange(channel, { after: 3, epoch: EPOCH, limit: 5 }, built.now)).state, "unknown");
});

test("a channel without a message has nothing, and that is no error", async () => {
  const past: Past = {
    stretches: [{ cell: 0, records: [] }],
    openedFirst: false,
    trimmed: 0,
    tailRecords: 9,
  };
  for (const openedFirst of [false, true]) {
    const built = buildPast({ ...past, openedFirst });
    for (const range of [{ limit: 5 }, { after: 0, limit: 5 }, { before: 1, limit: 5 }]) {
      const answer = await readRange(built.readable(KEEP_ALL), range, built.now);
      assert.deepEqual([answer.state, answer.records], ["ok", []]);
    }
  }
});

/** One stretch of 4,000 records among many others. */
const LONG: Past = {
  stretches: [
    {
      cell: 0,
      records: Array.from({ length: 4_000 }, (_, i) => ({ n: 1 + (i % 5), afterMs: 1, others: i % 3 })),
    },
  ],
  openedFirst: false,
  trimmed: 3,
  tailRecords: 0,
};

test("a record at any depth is found with a handful of questions", async () => {
  const built = buildPast(LONG);
  const log = built.cells.get("c0")!;
  const segment = built.segments[0]!;
  for (let seq = segment.first + 9; seq <= segment.last; seq += 97) {
    const before = log.questions;
    const at = await locate(log, subjectIn("c0"), segment, seq);
    const { head } = (await log.next(subjectIn("c0"), at))!;
    assert.ok(head.seq <= seq && seq < head.seq + head.n, `${seq} in ${head.seq}+${head.n}`);
    // Bisection alone, at every second step, halves 8,000 log sequences 13 times.
    assert.ok(log.questions - before <= 27, `${log.questions - before} questions for ${seq}`);
  }
});

/** A channel of so many records of one message each, every one `bytes` large. */
function largeRecords(records: number, bytes: number): { channel: ReadableChannel; log: MemoryLog } {
  const log = new MemoryLog();
  for (let seq = 1; seq <= records; seq++) log.put(subjectIn("c0"), recordOf(seq, 1, 1, bytes));
  const channel: ReadableChannel = {
    logs: logsOf("c0", new Map([["c0", log]])),
    position: { epoch: EPOCH, seq: records },
    fence: records,
    opened: 0,
    tail: new Tail({ maxRecords: 2, maxBytes: 1_000_000 }),
    segments: [{ cell: "c0", first: 1, last: records, low: 1, high: records }],
    retention: KEEP_ALL,
  };
  return { channel, log };
}

function totalBytes({ records }: ReadAnswer): number {
  return records.reduce((sum, record) => sum + record.length, 0);
}

test("an answer fits a message; the part given is the one next to where the reader stands", async () => {
  const { channel } = largeRecords(40, 100_000);
  const forward = await readRange(channel, { after: 3, limit: 30 }, 1_000_000);
  assert.ok(totalBytes(forward) <= MAX_ANSWER_BYTES);
  assert.deepEqual(seqsOf(forward.records), [4, 5, 6, 7, 8]);
  const backward = await readRange(channel, { before: 31, limit: 30 }, 1_000_000);
  assert.ok(totalBytes(backward) <= MAX_ANSWER_BYTES);
  assert.deepEqual(seqsOf(backward.records), [26, 27, 28, 29, 30]);
});

test("a page backwards ends where the reader stands, however many bytes lie in the page", async () => {
  // 1,000 messages of 20 KB are 20 MB: more than is read at once.
  const { channel } = largeRecords(1_000, 20_000);
  for (const before of [1_001, 900]) {
    const { records } = await readRange(channel, { before, limit: 1_000 }, 1_000_000);
    assert.equal(seqsOf(records).at(-1), before - 1);
  }
});

test("a single record that is larger than an answer should be is given nevertheless", async () => {
  const { channel } = largeRecords(3, 600_000);
  assert.deepEqual(seqsOf((await readRange(channel, { after: 1, limit: 9 }, 1_000_000)).records), [2]);
  assert.deepEqual(seqsOf((await readRange(channel, { limit: 9 }, 1_000_000)).records), [3]);
});

test("a log that does not answer is unavailable, not empty", async () => {
  const { channel, log } = largeRecords(3, 1);
  log.silent = true;
  await assert.rejects(readRange(channel, { after: 0, limit: 9 }, 1_000_000), { code: "unavailable" });
});

/** Six messages of this cell, behind two of a cell whose log can't be reached. */
function withPastAway(): { built: BuiltPast; read: (range: ReadRange) => Promise<ReadAnswer> } {
  const record = { n: 1, afterMs: 1, others: 0 };
  const stretches = [
    { cell: 0, records: [record, record] },
    { cell: 1, records: [record, record, record, record, record, record] },
  ];
  const built = buildPast({ stretches, openedFirst: false, trimmed: 0, tailRecords: 1 });
  const { logs, ...channel } = built.readable(KEEP_ALL);
  const of = (cell: string) =>
    cell === "c0" ? Promise.reject(new PlexusError("unavailable", "away")) : logs.of(cell);
  return { built, read: (range) => readRange({ ...channel, logs: { ...logs, of } }, range, built.now) };
}

test("a cell of the past that is away is missed only by those who read there", async () => {
  const { read } = withPastAway();
  assert.deepEqual(seqsOf((await read({ after: 2, limit: 3 })).records), [3, 4, 5]);
  assert.deepEqual(seqsOf((await read({ before: 8, limit: 3 })).records), [5, 6, 7]);
  await assert.rejects(read({ after: 1, limit: 3 }), { code: "unavailable" });
  await assert.rejects(read({ before: 4, limit: 3 }), { code: "unavailable" });
});

test("before what this cell holds there is more, even where nobody can tell at the moment", async () => {
  const { read } = withPastAway();
  const { records, oldest } = await read({ before: 6, limit: 3 });
  assert.deepEqual(seqsOf(records), [3, 4, 5]);
  assert.ok(oldest < 3);
});

test("a page has no hole, also where one cell's log was trimmed further than that of the cell before it", async () => {
  const anyCut = fc.record({ cell: fc.nat(2), below: fc.nat(60) });
  await fc.assert(
    fc.asyncProperty(anyPast, anyCut, anyRead, async (past, { cell, below }, { seq, limit }) => {
      const built = buildPast({ ...past, trimmed: 0, tailRecords: 0 });
      const log = built.cells.get(`c${cell}`)!;
      const newest = log.all(subjectIn(`c${cell}`)).at(-1)?.logSeq ?? 0;
      log.cut(subjectIn(`c${cell}`), Math.min(below, newest));
      const at = seq % (built.head + 1);
      const channel = built.readable(KEEP_ALL);
      const forward = await readRange(channel, { after: at, limit }, built.now);
      const [first] = seqsOf(forward.records);
      if (first !== undefined) assert.ok(first <= at + 1, "it begins where it was asked to");
      const backward = seqsOf((await readRange(channel, { before: at + 1, limit }, built.now)).records);
      if (backward.length > 0) assert.ok(backward.at(-1)! >= at, "it ends where it was asked to");
    }),
    { numRuns: 1_000 },
  );
});

test("forwards a page ends where there is a hole, and the next one says that something is trimmed", async () => {
  const record = { n: 1, afterMs: 1, others: 0 };
  const stretches = [
    { cell: 0, records: Array.from({ length: 4 }, () => record) },
    { cell: 1, records: Array.from({ length: 4 }, () => record) },
  ];
  const built = buildPast({ stretches, openedFirst: false, trimmed: 0, tailRecords: 0 });
  built.cells.get("c1")!.cut(subjectIn("c1"), 4);
  const read = (range: ReadRange) => readRange(built.readable(KEEP_ALL), range, built.now);
  const before = await read({ after: 1, limit: 9 });
  assert.deepEqual([before.state, seqsOf(before.records)], ["ok", [2, 3, 4]]);
  const next = await read({ after: 4, limit: 9 });
  assert.deepEqual([next.state, next.records, next.oldest], ["trimmed", [], 7]);
  assert.deepEqual(seqsOf((await read({ limit: 9 })).records), [7, 8]);
});

test("what the tail holds is read without a question to the log", async () => {
  const { channel, log } = largeRecords(3, 1);
  for (const seq of [2, 3]) channel.tail.push({ seq, n: 1, bytes: recordOf(seq, 1, 1), at: 999_000 });
  const { records } = await readRange(channel, { after: 1, limit: 9 }, 1_000_000);
  assert.deepEqual([seqsOf(records), log.questions], [[2, 3], 0]);
});
