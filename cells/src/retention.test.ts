/**
 * Trimming: what retention keeps stays readable, and so do the ids of the window for those who load the channel; what else
 * retention does not keep goes, and the channel's position stays.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readHead } from "@plexus/protocol";
import fc from "fast-check";
import { Channel } from "./channel.js";
import { isOld, loadChannel, readWindow } from "./loader.js";
import { readRange } from "./reader.js";
import { planTrim } from "./retention.js";
import * as past from "./testing/past.js";
import { buildPast, CHANNEL, type Past, subjectIn } from "./testing/past.js";

type Built = ReturnType<typeof buildPast>;

/** Times as they are made there, stretched, so that the window ends somewhere within. */
const STRETCHED = 5_000;
const anyRetention = past.anyRetention.map(({ messages, ageMs }) => ({ messages, ageMs: ageMs * STRETCHED }));
const anyPast = past.anyPast.map(({ stretches, ...rest }) => ({
  ...rest,
  stretches: stretches.map(({ cell, records }) => ({
    cell,
    records: records.map((record) => ({ ...record, afterMs: record.afterMs * STRETCHED })),
  })),
}));

/** No id of the window is left. */
const LATER_MS = 300_000;

async function trim(
  built: Built,
  retention: { messages: number; ageMs: number },
  now = built.now,
): Promise<boolean> {
  const { below } = await planTrim(built.readable(retention), now);
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

/** As the channel's actor trims it, which writes its past down anew where that is in the way. */
async function trimByActor({ logs, cells, now }: Built, retention: { messages: number; ageMs: number }) {
  const subject = subjectIn(logs.cell);
  const log = cells.get(logs.cell)!;
  const channel = new Channel<string>(CHANNEL, logs.cell);
  channel.loaded(await loadChannel(logs, now), true, now);
  for (let round = 0; round < 2; round++) {
    const { position, fence, tail, segments, opened } = channel;
    const readable = { logs, position, fence, tail, segments, opened, retention };
    const { below, reopenFrom } = await planTrim(readable, now);
    if (below !== null) await log.trim(subject, below);
    if (reopenFrom === null) continue;
    channel.reopen(reopenFrom, now);
    const [append] = channel.takeEffects();
    assert.ok(append?.do === "append");
    log.now = now;
    channel.appended(log.put(subject, append.bytes, append.opened), now);
  }
}

test("whatever is trimmed, an actor reads back all ids of the window", async () => {
  await fc.assert(
    fc.asyncProperty(anyPast, anyRetention, async (past, retention) => {
      const built = buildPast({ ...past, trimmed: 0 });
      const idsOf = async () => {
        const channel = new Channel<string>(CHANNEL, built.logs.cell);
        channel.loaded(await loadChannel(built.logs, built.now), true, built.now);
        return readWindow(built.logs, channel.segments, built.now);
      };
      const before = await idsOf();
      await trimByActor(built, retention);
      assert.deepEqual(await idsOf(), before);
    }),
    { numRuns: 500 },
  );
});

test("a channel that always lived here keeps no record that retention does not, but the newest and the window's", async () => {
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
        if (!isOld(storedAt, built.now)) continue;
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
  await trim(built, { messages: 3, ageMs: 30 }, built.now + LATER_MS);
  const [first] = built.cells.get("c0")!.all(subjectIn("c0"));
  assert.deepEqual([first?.logSeq, first?.head.op, first?.head.ch], [1, "open", CHANNEL]);
});

test("a channel that was taken over can be trimmed once the note of its past has been written anew", async () => {
  const records = Array.from({ length: 20 }, () => ({ n: 1, afterMs: 10, others: 0 }));
  const past: Past = { stretches: [{ cell: 0, records }], openedFirst: true, trimmed: 0, tailRecords: 0 };
  const built = buildPast(past);
  const retention = { messages: 3, ageMs: 1_000_000 };
  const now = built.now + LATER_MS;
  const plan = await planTrim(built.readable(retention), now);
  assert.deepEqual(plan, { below: null, reopenFrom: 18 });

  const subject = subjectIn("c0");
  const log = built.cells.get("c0")!;
  const channel = new Channel<string>(CHANNEL, "c0");
  channel.loaded(await loadChannel(built.logs, built.now), true, built.now);
  channel.reopen(plan.reopenFrom!, now);
  const [append] = channel.takeEffects();
  assert.ok(append?.do === "append");
  channel.appended(log.put(subject, append.bytes, append.opened), now);
  const { position, fence, tail, segments, opened } = channel;
  assert.equal(opened, fence);
  const after = { logs: built.logs, position, fence, tail, segments, opened, retention };
  assert.deepEqual(await planTrim(after, now), { below: fence - 3, reopenFrom: null });
  await built.logs.own.trim(subject, fence - 3);
  const loaded = await loadChannel(built.logs, built.now);
  assert.deepEqual([loaded.position.seq, loaded.segments.at(-1)?.last], [20, 20]);
});

test("the note of a past that is written anew names nothing that lies before the present stretch", async () => {
  const records = Array.from({ length: 20 }, () => ({ n: 1, afterMs: 10, others: 0 }));
  const stretches = [1, 0].map((cell) => ({ cell, records }));
  const built = buildPast({ stretches, openedFirst: false, trimmed: 0, tailRecords: 0 });
  const old = { messages: 1_000, ageMs: 600_000 };
  const plan = await planTrim(built.readable(old), built.now + old.ageMs + 1);
  assert.deepEqual(plan, { below: null, reopenFrom: 21 });
});

test("records of other channels are not touched", async () => {
  const records = Array.from({ length: 30 }, () => ({ n: 2, afterMs: 10, others: 2 }));
  const past: Past = { stretches: [{ cell: 0, records }], openedFirst: false, trimmed: 0, tailRecords: 0 };
  const built = buildPast(past);
  const log = built.cells.get("c0")!;
  const other = subjectIn("c0").replace(CHANNEL, "other");
  const before = log.all(other).length;
  assert.equal(before, 60);
  assert.ok(await trim(built, { messages: 10, ageMs: 1_000_000 }, built.now + LATER_MS));
  assert.equal(log.all(other).length, before);
  assert.equal(log.all(subjectIn("c0")).length, 5);
});

test("what trimming asks the log: once where all is young, and few times more where the window has to be found", async () => {
  const records = Array.from({ length: 4_000 }, () => ({ n: 1, afterMs: 100, others: 1 }));
  const built = buildPast({
    stretches: [{ cell: 0, records }],
    openedFirst: false,
    trimmed: 0,
    tailRecords: 0,
  });
  const log = built.cells.get("c0")!;
  const asked = async (messages: number, now: number) => {
    const before = log.questions;
    const { below } = await planTrim(built.readable({ messages, ageMs: 1_000_000_000 }), now);
    return { below, questions: log.questions - before };
  };
  assert.deepEqual(await asked(100, built.now - LATER_MS), { below: null, questions: 1 });
  // The last 240 s are 2,400 records.
  const bounded = await asked(100, built.now);
  assert.equal(bounded.below, 2 * 1_600);
  assert.ok(bounded.questions < 20, `${bounded.questions} questions`);
  const byCount = await asked(3_000, built.now);
  assert.equal(byCount.below, 2 * 1_001);
  assert.ok(byCount.questions < 8, `${byCount.questions} questions`);
});
