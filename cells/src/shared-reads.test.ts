/** Pages under way are shared; and what waits for a log that answers late is not begun anew. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { persistent } from "./persistent.js";
import { SharedReads } from "./shared-reads.js";
import { buildPast, subjectIn } from "./testing/past.js";

const KEEP_ALL = { messages: 1_000_000, ageMs: 1_000_000_000 };
const records = Array.from({ length: 20 }, () => ({ n: 1, afterMs: 1, others: 3 }));
const past = { stretches: [{ cell: 0, records }], openedFirst: false, trimmed: 0, tailRecords: 0 };

test("a question that is repeated while it has no answer costs the log nothing, until the channel has moved on", async () => {
  const built = buildPast(past);
  const log = built.cells.get("c0")!;
  const channel = built.readable(KEEP_ALL);
  const reads = new SharedReads();
  const range = { after: 0, limit: 50 };
  await reads.read(channel, range, built.now);
  const once = log.questions;
  const pages = await Promise.all([1, 2, 3].map(() => reads.read(channel, range, built.now)));
  assert.equal(log.questions, 2 * once, "three at once cost as much as one");
  assert.ok(pages.every((page) => page === pages[0] && page.records.length === 20));
  const shorter = { ...channel, position: { ...channel.position, seq: 19 } };
  const [all, before] = await Promise.all([
    reads.read(channel, range, built.now),
    reads.read(shorter, range, built.now),
  ]);
  assert.deepEqual([all.head.seq, before.head.seq], [20, 19]);
});

test("few messages are read without a consumer", async () => {
  const built = buildPast(past);
  const log = built.cells.get("c0")!;
  let consumers = 0;
  const read = log.read.bind(log);
  log.read = (...args) => {
    consumers++;
    return read(...args);
  };
  const reads = new SharedReads();
  const few = await reads.read(built.readable(KEEP_ALL), { after: 3, limit: 5 }, built.now);
  assert.deepEqual([few.records.length, consumers], [5, 0]);
  const many = await reads.read(built.readable(KEEP_ALL), { after: 3, limit: 15 }, built.now);
  assert.deepEqual([many.records.length, consumers], [15, 1]);
});

test("a question without an answer is asked again for a while, and what else goes wrong is not", async () => {
  const { cells } = buildPast(past);
  const log = cells.get("c0")!;
  let failures = 2;
  const flaky = {
    read: log.read.bind(log),
    next: async (...args: Parameters<typeof log.next>) => {
      if (failures-- > 0) throw new PlexusError("unavailable", "the log does not answer");
      return log.next(...args);
    },
  };
  assert.equal((await persistent(flaky).next(subjectIn("c0"), 1))?.head.seq, 1);
  failures = Number.POSITIVE_INFINITY;
  await assert.rejects(persistent(flaky, 300).next(subjectIn("c0"), 1), { code: "unavailable" });
  const broken = { ...flaky, next: () => Promise.reject(new Error("a defect")) };
  await assert.rejects(persistent(broken).next(subjectIn("c0"), 1), /a defect/);
});
