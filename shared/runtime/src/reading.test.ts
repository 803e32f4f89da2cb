/** Questions that take several commands: pages of a history, pages of a member list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRecord, joinFragments, type Member, messageFragment } from "@plexus/protocol";
import type { Commands, PresenceSnapshot, ReadAnswer } from "./commands.js";
import { readHistory, readMembers } from "./reading.js";
import type { Router } from "./router.js";

/** A router whose answers are given one after the other; what was asked is kept. */
function scripted(...answers: unknown[]): { router: Router; asked: unknown[] } {
  const asked: unknown[] = [];
  const ask = async (_kind: string, _tenant: string, _channel: string, body: unknown) => {
    asked.push(body);
    if (answers.length === 0) throw new Error("nothing more was to be asked");
    return answers.shift();
  };
  return { router: { ask } as unknown as Router, asked };
}

function record(seq: number, n: number): Uint8Array {
  const fragments = Array.from({ length: n }, (_, i) => messageFragment(`m${seq + i}`, '"u"', '"c"', "1"));
  return encodeRecord("chat.a", "e", seq, [joinFragments(fragments)], 5);
}

function answer(headSeq: number, records: Uint8Array[], more: Partial<ReadAnswer> = {}): ReadAnswer {
  return { head: { epoch: "e", seq: headSeq }, state: "ok", records, oldest: 1, ...more };
}

async function history(range: Parameters<typeof readHistory>[3], ...answers: ReadAnswer[]) {
  const { router, asked } = scripted(...answers);
  const { messages, more, epoch } = await readHistory(router, "t", "chat.a", range);
  return { seqs: messages.map(({ seq }) => seq), ids: messages.map(({ id }) => id), more, epoch, asked };
}

test("a page backwards is the newest of what whole records bring, cut to what was asked for", async () => {
  const page = await history({ before: 9, limit: 4 }, answer(20, [record(3, 4), record(7, 4)]));
  assert.deepEqual([page.seqs, page.more, page.epoch], [[5, 6, 7, 8], true, "e"]);
  assert.deepEqual(page.ids, ["m5", "m6", "m7", "m8"]);
  assert.deepEqual(page.asked, [{ before: 9, limit: 4 }]);
});

test("a page forwards is the oldest of what whole records bring", async () => {
  const page = await history({ after: 4, limit: 3 }, answer(20, [record(3, 4), record(7, 4)]));
  assert.deepEqual([page.seqs, page.more], [[5, 6, 7], true]);
});

test("there is no more where the page reaches the end, on either side", async () => {
  assert.equal((await history({ limit: 9 }, answer(3, [record(1, 3)]))).more, false);
  assert.equal((await history({ after: 0, limit: 9 }, answer(3, [record(1, 3)]))).more, false);
  assert.equal((await history({ limit: 9 }, answer(9, [record(7, 3)], { oldest: 7 }))).more, false);
  assert.equal((await history({ limit: 9 }, answer(0, []))).more, false);
});

test("forwards from what retention has taken begins with the oldest there is", async () => {
  const trimmed = answer(20, [], { state: "trimmed", oldest: 11 });
  const kept = answer(20, [record(11, 10)], { oldest: 11 });
  const page = await history({ after: 2, limit: 5 }, kept);
  assert.deepEqual([page.seqs, page.more], [[11, 12, 13, 14, 15], true]);
  assert.deepEqual(page.asked, [{ after: 2, limit: 5, orOldest: true }]);
  const fromOlderWorker = await history({ after: 2, limit: 5 }, trimmed, kept);
  assert.deepEqual([fromOlderWorker.seqs, fromOlderWorker.more], [[11, 12, 13, 14, 15], true]);
  assert.deepEqual(fromOlderWorker.asked[1], { after: 10, limit: 5, orOldest: true });
});

test("what is gone again and again before it is read is no empty page", async () => {
  const trimmed = Array.from({ length: 5 }, (_, i) => answer(20, [], { state: "trimmed", oldest: 11 + i }));
  await assert.rejects(history({ after: 2, limit: 5 }, ...trimmed), { code: "unavailable" });
});

/** Its head can be read, and nothing else. */
function damaged(seq: number, n: number): Uint8Array {
  const bytes = record(seq, n);
  return bytes.fill(0x21, bytes.indexOf(0x5b) + 1);
}

test("a page of nothing but what nobody can read is passed over, in either direction", async () => {
  const backwards = await history(
    { before: 9, limit: 4 },
    answer(20, [damaged(5, 2), damaged(7, 2)]),
    answer(20, [damaged(3, 2)]),
    answer(20, [record(1, 2)]),
  );
  assert.deepEqual([backwards.seqs, backwards.more], [[1, 2], false]);
  assert.deepEqual(backwards.asked, [
    { before: 9, limit: 4 },
    { before: 5, limit: 4 },
    { before: 3, limit: 4 },
  ]);
  const forwards = await history(
    { after: 4, limit: 4 },
    answer(20, [damaged(5, 4)]),
    answer(20, [record(9, 4)]),
  );
  assert.deepEqual([forwards.seqs, forwards.more], [[9, 10, 11, 12], true]);
  assert.deepEqual(forwards.asked.at(-1), { after: 8, limit: 4, orOldest: true });
});

test("where nothing else is left there is no more", async () => {
  const end = await history({ after: 4, limit: 4 }, answer(8, [damaged(5, 4)]));
  assert.deepEqual([end.seqs, end.more], [[], false]);
  const begin = await history({ before: 5, limit: 4 }, answer(8, [damaged(1, 4)]));
  assert.deepEqual([begin.seqs, begin.more], [[], false]);
});

test("before and after together are refused", async () => {
  await assert.rejects(history({ before: 5, after: 2, limit: 5 }), { code: "bad_request" });
});

function member(conn: string, state: unknown = null): Member {
  return { conn, user: "u", state, since: 1 };
}

function page(event: number, conns: string[], next: number | null, stale = false): PresenceSnapshot {
  return { version: ["life", event], members: conns.map((conn) => member(conn)), next, stale };
}

async function membersOf(...answers: PresenceSnapshot[]) {
  const { router, asked } = scripted(...answers);
  const { members, version, stale } = await readMembers(router, "t", "chat.a");
  return { conns: members.map(({ conn }) => conn), version, stale, asked };
}

test("a member list is read page by page", async () => {
  const read = await membersOf(page(3, ["a", "b"], 2), page(3, ["c"], 3), page(3, ["d"], null, true));
  assert.deepEqual([read.conns, read.version, read.stale], [["a", "b", "c", "d"], ["life", 3], true]);
  const at = ["life", 3];
  assert.deepEqual(read.asked, [
    { at: null, from: 0 },
    { at, from: 2 },
    { at, from: 3 },
  ] satisfies Array<Commands["presence"]["ask"] | object>);
});

test("a list that is begun anew in between replaces what was read of the one before", async () => {
  const read = await membersOf(page(3, ["a", "b"], 2), page(4, ["b", "c"], 2), page(4, ["d"], null));
  assert.deepEqual(
    [read.conns, read.version],
    [
      ["b", "c", "d"],
      ["life", 4],
    ],
  );
});

test("nobody is listed twice where the actor begins the same list anew", async () => {
  // Somebody else read the last page, upon which the actor has let go of the list.
  const read = await membersOf(page(3, ["a", "b"], 2), page(3, ["a", "b"], 2), page(3, ["c"], null));
  assert.deepEqual(read.conns, ["a", "b", "c"]);
});

test("a list that keeps changing is given up", async () => {
  let event = 0;
  const ask = async () => page(++event, ["a"], 1);
  await assert.rejects(readMembers({ ask } as unknown as Router, "t", "chat.a"), { code: "unavailable" });
  assert.equal(event, 1_000);
});
