/** After a restore no position may name two messages, and nothing that is still there may be out of reach. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OpenRecord, RecordSegment, SealRecord } from "@plexus/protocol";
import { type ChannelInLogs, type Newest, whereItGoesOn } from "./where-channels-go-on.js";

const CH = "chat.a";
const RESTORED_TO = 100;
const before: RecordSegment[] = [{ cell: "us-1", first: 1, last: 4, low: 3, high: 9 }];

function messages(seq: number, n: number, more: Partial<Newest> = {}): Newest {
  const head = { op: "msg", ch: CH, epoch: "e", seq, n };
  return { head, logSeq: 50, storedAt: 1_000, opened: 0, control: null, ...more };
}

function sealed(to: string, seq: number, more: Partial<SealRecord> = {}, storedAt = 1_000): Newest {
  const control: SealRecord = {
    op: "seal",
    ch: CH,
    epoch: "e",
    seq,
    n: 0,
    to,
    fresh: false,
    segments: before,
    ...more,
  };
  return { head: control, logSeq: 60, storedAt, opened: 0, control };
}

function opened(seq: number, segments: RecordSegment[]): OpenRecord {
  return { op: "open", ch: CH, epoch: "e", seq, n: 0, from: "us-1", segments };
}

function look(own: Newest | null, others: Record<string, Newest> = {}, open: OpenRecord | null = null) {
  const channel: ChannelInLogs = {
    cell: "eu-1",
    restoredTo: RESTORED_TO,
    own: own === null ? null : { newest: own, open },
    others: new Map(Object.entries(others)),
  };
  return whereItGoesOn(channel);
}

test("what was in use here goes on behind its newest record, with its past", () => {
  const stretch = { cell: "eu-1", first: 1, last: 7, low: 1, high: 50 };
  assert.deepEqual(look(messages(6, 2)), { do: "open", past: { seq: 8, segments: [stretch] } });
  const open = opened(5, before);
  const later = { cell: "eu-1", first: 5, last: 7, low: 40, high: 50 };
  assert.deepEqual(look(messages(6, 2, { opened: 40 }), {}, open), {
    do: "open",
    past: { seq: 8, segments: [...before, later] },
  });
  const justOpened: Newest = { head: open, logSeq: 40, storedAt: 1_000, opened: 0, control: open };
  assert.deepEqual(look(justOpened, {}, open), { do: "open", past: { seq: 5, segments: before } });
});

test("what was given away before the backup stays where it is, opened there or not", () => {
  assert.deepEqual(look(sealed("us-1", 5), { "us-1": messages(9, 1) }), { do: "keep" });
  assert.deepEqual(look(sealed("us-1", 5)), { do: "keep" });
  assert.deepEqual(look(sealed("us-1", 5), { "us-1": sealed("us-2", 9), "us-2": messages(9, 3) }), {
    do: "keep",
  });
});

test("what has moved away since the backup is sealed", () => {
  const decision = look(messages(6, 2), { "us-1": messages(9, 1) });
  assert.equal(decision.do, "seal");
  assert.deepEqual(decision.do === "seal" && [decision.to, decision.epoch, decision.past.seq], [
    "us-1",
    "e",
    8,
  ]);
});

test("what went away and came back may have been written to here: a new epoch, behind what the other cell knows", () => {
  const past = [{ cell: "eu-1", first: 1, last: 4, low: 1, high: 55 }, ...before];
  const back = sealed("eu-1", 12, { segments: past });
  assert.deepEqual(look(sealed("us-1", 5), { "us-1": back }), {
    do: "open",
    past: { seq: 12, segments: past },
  });
  const round = { "us-1": sealed("us-2", 9), "us-2": back };
  assert.deepEqual(look(sealed("us-1", 5), round), { do: "open", past: { seq: 12, segments: past } });
  assert.deepEqual(look(messages(3, 1), { "us-1": back }), { do: "open", past: { seq: 12, segments: past } });
});

test("an old seal of another cell does not take back what this log knows", () => {
  const decision = look(messages(6, 2), { "us-1": sealed("eu-1", 3) });
  assert.equal(decision.do === "open" && decision.past.seq, 8);
  const unwritten = look(messages(6, 2), { "us-1": sealed("eu-1", 1, { fresh: true, epoch: "f" }, 9_000) });
  assert.equal(unwritten.do === "open" && unwritten.past.seq, 8);
});

test("between two epochs the newer record counts", () => {
  const given = (storedAt: number) =>
    look(messages(6, 2), { "us-1": sealed("eu-1", 3, { epoch: "f" }, storedAt) });
  const seqOf = (decision: ReturnType<typeof look>) => decision.do === "open" && decision.past.seq;
  assert.deepEqual([seqOf(given(500)), seqOf(given(2_000))], [8, 3]);
});

test("what the backup does not know was given here later: it goes on behind what the other cell knows", () => {
  assert.deepEqual(look(null, { "us-1": sealed("eu-1", 5) }), {
    do: "open",
    past: { seq: 5, segments: before },
  });
  assert.deepEqual(look(null, { "us-1": sealed("eu-1", 1, { fresh: true }) }), {
    do: "open",
    past: { seq: 1, segments: [] },
  });
  assert.deepEqual(look(null, { "us-1": messages(1, 1) }), { do: "keep" });
  assert.deepEqual(look(null, { "us-1": sealed("us-2", 5) }), { do: "keep" });
});

test("a stretch that was lost here leaves a hole: what lies before it counts as trimmed", () => {
  const segments = [
    { cell: "eu-1", first: 1, last: 4, low: 1, high: 90 },
    { cell: "eu-1", first: 5, last: 9, low: 95, high: 101 },
    { cell: "us-1", first: 10, last: 12, low: 3, high: 9 },
  ];
  assert.deepEqual(look(null, { "us-1": sealed("eu-1", 13, { segments }) }), {
    do: "open",
    past: { seq: 13, segments: [segments[2]!] },
  });
});
