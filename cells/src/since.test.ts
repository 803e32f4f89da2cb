import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { recordsSince } from "./since.js";
import { MemoryLog } from "./testing/memory-log.js";
import { recordOf, subjectIn } from "./testing/past.js";

const SUBJECT = subjectIn("c0");

/** A log in which the channel's records, `n` messages each, lie among others'; and the stretch that they make. */
function logOf(records: ReadonlyArray<{ n: number; others: number; afterMs: number }>, linked = true) {
  const log = new MemoryLog();
  log.linked = linked;
  let seq = 1;
  let [low, high] = [0, 0];
  log.now = 1_000;
  for (const { n, others, afterMs } of records) {
    for (let i = 0; i < others; i++) log.put("log.c0.acme.chat.other", recordOf(1, 1, log.now));
    log.now += afterMs;
    high = log.put(SUBJECT, recordOf(seq, n, log.now));
    low ||= high;
    seq += n;
  }
  return { log, stretch: { first: 1, last: seq - 1, low: Math.max(1, low), high } };
}

const shape = fc.array(
  fc.record({ n: fc.integer({ min: 1, max: 9 }), others: fc.nat(20), afterMs: fc.nat(50) }),
  { minLength: 1, maxLength: 100 },
);

test("it finds exactly the records that are young enough, whatever lies around them", async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.nat(3_000), fc.boolean(), async (records, storedAt, linked) => {
      const { log, stretch } = logOf(records, linked);
      const all = log.all(SUBJECT);
      const wanted = all.filter((record) => record.storedAt >= storedAt);
      const { records: found, reachesBack } = await recordsSince(log, SUBJECT, stretch, storedAt);
      assert.deepEqual(
        found.map(({ logSeq }) => logSeq),
        wanted.map(({ logSeq }) => logSeq),
      );
      assert.equal(reachesBack, wanted.length < all.length);
    }),
  );
});

test("records outside of the stretch are left out", async () => {
  const { log, stretch } = logOf(Array.from({ length: 20 }, () => ({ n: 1, others: 3, afterMs: 10 })));
  const [from, to] = [log.all(SUBJECT)[4]!, log.all(SUBJECT)[15]!];
  const middle = { ...stretch, first: 5, last: 16, low: from.logSeq, high: to.logSeq };
  const { records } = await recordsSince(log, SUBJECT, middle, 0);
  assert.deepEqual(
    records.map(({ head }) => head.seq),
    Array.from({ length: 12 }, (_, i) => i + 5),
  );
});

test("a channel with one message costs one question, one among many a few", async () => {
  const one = logOf([{ n: 1, others: 500, afterMs: 10 }]);
  await recordsSince(one.log, SUBJECT, one.stretch, 0);
  assert.equal(one.log.questions, 1);
  const many = logOf(Array.from({ length: 1_000 }, () => ({ n: 1, others: 9, afterMs: 10 })));
  const { records } = await recordsSince(many.log, SUBJECT, many.stretch, many.log.now - 25);
  assert.equal(records.length, 3);
  assert.ok(many.log.questions <= 4, `${many.log.questions} questions`);
  const unlinked = logOf(
    Array.from({ length: 1_000 }, () => ({ n: 1, others: 9, afterMs: 10 })),
    false,
  );
  await recordsSince(unlinked.log, SUBJECT, unlinked.stretch, unlinked.log.now - 25);
  assert.ok(unlinked.log.questions < 25, `${unlinked.log.questions} questions`);
});

test("where the window holds very many, they are not asked for one by one", async () => {
  const { log, stretch } = logOf(Array.from({ length: 2_000 }, () => ({ n: 1, others: 1, afterMs: 10 })));
  const { records } = await recordsSince(log, SUBJECT, stretch, log.now - 15_000);
  assert.equal(records.length, 1_501);
  assert.ok(log.questions < 30, `${log.questions} questions`);
});

test("what was trimmed is not there, and asks for no search", async () => {
  const { log, stretch } = logOf(Array.from({ length: 20 }, () => ({ n: 1, others: 3, afterMs: 10 })));
  log.cut(SUBJECT, log.all(SUBJECT)[15]!.logSeq);
  const { records, reachesBack } = await recordsSince(log, SUBJECT, stretch, 0);
  assert.deepEqual([records.length, reachesBack], [5, false]);
});
