/** Trimming: what retention keeps stays readable, what it does not keep goes, and the channel's position stays. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readHead } from "@plexus/protocol";
import fc from "fast-check";
import { Channel } from "./channel.js";
import { loadChannel } from "./loader.js";
import { readRange } from "./reader.js";
import { planTrim } from "./retention.js";
import { anyPast, anyRetention, buildPast, CHANNEL, type Past, subjectIn } from "./testing/past.js";

type Built = ReturnType<typeof buildPast>;

async function trim(built: Built, retention: { messages: number; ageMs: number }): Promise<boolean> {
  const { below } = await planTrim(built.readable(retention), built.now);
  if (below !== null) await built.logs.own.trim(subjectIn(built.logs.cell), below);
  return below !== null;
}

async function readable(built: Built, retention: { messages: number; ageMs: number }): Promise<number[]> {
  const { records } = await readRange(built.readable(retention), { limit: 10_000 }, built.now);
  return records.flatMap((bytes) => {
    const { seq, n } = readHead(bytes)!;
    return Array.from({ length: n }, (_, i) => seq + i);
  });
}

test("trimming changes nothing that can be read, and once is enough", async () => {
  await fc.assert(
    fc.asyncProperty(anyPast, anyRetention, async (past, retention) => {
      const built = buildPast({ ...past, tailRecords: 0 });
      const before = await readable(built, retention);
      await trim(built, retention);
      assert.deepEqual(await readable(built, retention), before);
      assert.equal(await trim(built, retention), false);
    }),
    { numRuns: 500 },
  );
});

test("a channel that always lived here keeps no record that retention does not, but the newest", async () => {
  const anyLocal = anyPast.map((past) => ({
    ...past,
    stretches: past.stretches.slice(0, 1),
    openedFirst: false,
  }));
  await fc.assert(
    fc.asyncProperty(anyLocal, anyRetention, async (past, retention) => {
      const built = buildPast(past);
      await trim(built, retention);
      const log = built.cells.get(built.logs.cell)!;
      const left = log.all(subjectIn(built.logs.cell));
      assert.equal(left.at(-1)?.logSeq ?? 0, built.fence, "the newest record stays");
      for (const { head, storedAt } of left.slice(0, -1)) {
        assert.ok(head.seq + head.n - 1 > built.head - retention.messages, "by count");
        assert.ok(storedAt >= built.now - retention.ageMs, "by age");
      }
    }),
    { numRuns: 500 },
  );
});

test("whatever is trimmed, the channel can be loaded again and stands where it stood", async () => {
  await fc.assert(
    fc.asyncProperty(anyPast, anyRetention, async (past, retention) => {
      const built = buildPast({ ...past, trimmed: 0 });
      const before = await loadChannel(built.logs, built.now);
      await trim(built, retention);
      const after = await loadChannel(built.logs, built.now);
      assert.deepEqual({ ...after, ids: [] }, { ...before, ids: [] });
    }),
    { numRuns: 500 },
  );
});

test("the record that opened the channel stays, also as the very first of its log", async () => {
  const records = Array.from({ length: 20 }, () => ({ n: 1, afterMs: 10, others: 0 }));
  const past: Past = { stretches: [{ cell: 0, records }], openedFirst: true, trimmed: 0, tailRecords: 0 };
  const built = buildPast(past);
  await trim(built, { messages: 3, ageMs: 30 });
  const [first] = built.cells.get("c0")!.all(subjectIn("c0"));
  assert.deepEqual([first?.logSeq, first?.head.op, first?.head.ch], [1, "open", CHANNEL]);
});

test("a channel that was taken over can be trimmed once the note of its past has been written anew", async () => {
  const records = Array.from({ length: 20 }, () => ({ n: 1, afterMs: 10, others: 0 }));
  const past: Past = { stretches: [{ cell: 0, records }], openedFirst: true, trimmed: 0, tailRecords: 0 };
  const built = buildPast(past);
  const retention = { messages: 3, ageMs: 1_000_000 };
  const plan = await planTrim(built.readable(retention), built.now);
  assert.deepEqual(plan, { below: null, reopenFrom: 18 });

  const subject = subjectIn("c0");
  const log = built.cells.get("c0")!;
  const channel = new Channel<string>(CHANNEL, "c0");
  channel.loaded(await loadChannel(built.logs, built.now), true, built.now);
  channel.reopen(plan.reopenFrom!, built.now);
  const [append] = channel.takeEffects();
  assert.ok(append?.do === "append");
  channel.appended(log.put(subject, append.bytes, append.opened), built.now);
  const { position, fence, tail, segments, opened } = channel;
  assert.equal(opened, fence);
  const after = { logs: built.logs, position, fence, tail, segments, opened, retention };
  assert.deepEqual(await planTrim(after, built.now), { below: fence - 3, reopenFrom: null });
  await built.logs.own.trim(subject, fence - 3);
  const loaded = await loadChannel(built.logs, built.now);
  assert.deepEqual([loaded.position.seq, loaded.segments.at(-1)?.last], [20, 20]);
});

test("records of other channels are not touched", async () => {
  const records = Array.from({ length: 30 }, () => ({ n: 2, afterMs: 10, others: 2 }));
  const past: Past = { stretches: [{ cell: 0, records }], openedFirst: false, trimmed: 0, tailRecords: 0 };
  const built = buildPast(past);
  const log = built.cells.get("c0")!;
  const other = subjectIn("c0").replace(CHANNEL, "other");
  const before = log.all(other).length;
  assert.equal(before, 60);
  assert.ok(await trim(built, { messages: 10, ageMs: 1_000_000 }));
  assert.equal(log.all(other).length, before);
  assert.equal(log.all(subjectIn("c0")).length, 5);
});
