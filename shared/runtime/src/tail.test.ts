/** The tail against a plain list: consecutive, bounded, and never something that is not the newest. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Tail, type TailRecord } from "./tail.js";

function record(seq: number, n: number, size = 1, at = 0): TailRecord {
  return { seq, n, bytes: new Uint8Array(size).fill(seq), at };
}

function tailOf(...records: TailRecord[]): Tail {
  const tail = new Tail({ maxRecords: 100, maxBytes: 10_000 });
  for (const each of records) tail.push(each);
  return tail;
}

function seqs(records: readonly TailRecord[] | undefined): number[] | undefined {
  return records?.map(({ seq }) => seq);
}

test("an empty tail reaches nowhere", () => {
  const tail = tailOf();
  assert.deepEqual([tail.oldest, tail.bytes, tail.after(0)], [undefined, 0, undefined]);
});

test("the records that hold what lies after a seq: the first may begin before it", () => {
  const tail = tailOf(record(5, 3), record(8, 1), record(9, 2));
  assert.equal(tail.after(3), undefined);
  assert.deepEqual([tail.reaches(3), tail.reaches(4)], [false, true]);
  assert.deepEqual(seqs(tail.after(4)), [5, 8, 9]);
  assert.deepEqual(seqs(tail.after(6)), [5, 8, 9]);
  assert.deepEqual(seqs(tail.after(7)), [8, 9]);
  assert.deepEqual(seqs(tail.after(9)), [9]);
  assert.deepEqual(seqs(tail.after(10)), []);
  assert.deepEqual(seqs(tail.after(99)), []);
});

test("a record that does not follow makes the tail start anew", () => {
  const tail = tailOf(record(1, 2), record(3, 1));
  tail.push(record(9, 1));
  assert.deepEqual([tail.oldest, seqs(tail.after(8)), tail.bytes], [9, [9], 1]);
});

test("a single record larger than the bound is kept: it is the newest", () => {
  const tail = new Tail({ maxRecords: 9, maxBytes: 10 });
  tail.push(record(1, 1, 5));
  tail.push(record(2, 1, 50));
  assert.deepEqual([tail.oldest, tail.bytes], [2, 50]);
});

test("older records go in front, as many as the bounds allow, and only where they end at the beginning", () => {
  const tail = new Tail({ maxRecords: 4, maxBytes: 100 });
  tail.push(record(10, 1, 10));
  tail.prepend([record(5, 2), record(7, 2), record(9, 1)]);
  assert.deepEqual([tail.oldest, tail.bytes], [5, 13]);
  tail.prepend([record(4, 1)]);
  assert.equal(tail.oldest, 5, "four records are all that fit");
  const gap = tailOf(record(10, 1));
  gap.prepend([record(7, 2)]);
  assert.equal(gap.oldest, 10);
  gap.prepend([record(7, 1), record(9, 1)]);
  assert.equal(gap.oldest, 9, "as far as they are consecutive");
  const empty = tailOf();
  empty.prepend([record(3, 1), record(4, 1)]);
  assert.deepEqual(seqs(empty.after(2)), [3, 4]);
});

test("what is older than a time is forgotten, from the old end", () => {
  const tail = tailOf(record(1, 1, 1, 100), record(2, 1, 1, 200), record(3, 1, 1, 300));
  tail.dropBefore(200);
  assert.deepEqual([tail.oldest, tail.bytes], [2, 2]);
  tail.dropBefore(1_000);
  assert.deepEqual([tail.oldest, tail.bytes, tail.after(0)], [undefined, 0, undefined]);
});

const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      n: fc.nat(4),
      size: fc.nat(30),
      gap: fc.nat(20),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("prepend" as const),
      count: fc.nat(4),
      size: fc.nat(30),
      gap: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop" as const), ago: fc.nat(5) }) },
);

test("whatever happens: consecutive, within bounds, and exactly the newest of what was given", () => {
  const bounds = fc.record({
    maxRecords: fc.integer({ min: 1, max: 8 }),
    maxBytes: fc.integer({ min: 10, max: 150 }),
  });
  fc.assert(
    fc.property(
      bounds,
      fc.array(anyStep, { maxLength: 40, size: "max" }),
      ({ maxRecords, maxBytes }, steps) => {
        const tail = new Tail({ maxRecords, maxBytes });
        let [seq, now] = [1_000, 0];
        /** All that the tail could hold: consecutive, up to the newest. */
        let given: TailRecord[] = [];
        for (const step of steps) {
          now++;
          if (step.do === "push") {
            if (step.gap === 1) given = [];
            if (step.gap === 1) seq += 7;
            const next = record(seq, step.n + 1, step.size + 1, now);
            seq += step.n + 1;
            given.push(next);
            tail.push(next);
          } else if (step.do === "drop") {
            tail.dropBefore(now - step.ago);
            given = given.filter(({ at }) => at >= now - step.ago);
          } else prepend(tail, step, given);
          const held = tail.oldest === undefined ? [] : tail.after(tail.oldest - 1)!;
          const bytes = held.reduce((sum, { bytes: each }) => sum + each.length, 0);
          assert.equal(tail.bytes, bytes);
          assert.ok(held.length <= maxRecords && (bytes <= maxBytes || held.length === 1));
          assert.deepEqual(held, given.slice(given.length - held.length), "the newest");
          given = [...held];
        }
      },
    ),
    { numRuns: 500 },
  );
});

/** Puts records in front that end where the tail begins, or miss that by `gap`. */
function prepend(tail: Tail, step: { count: number; size: number; gap: number }, given: TailRecord[]): void {
  const gap = step.gap === 5 ? 1 : 0;
  const oldest = tail.oldest;
  if (oldest === undefined) return;
  const first = oldest - step.count * 2 - gap;
  const older = Array.from({ length: step.count }, (_, i) => record(first + i * 2, 2, step.size + 1));
  tail.prepend(older);
  if (gap === 0) given.unshift(...older);
}

test("a record does not keep the memory that it was read with", () => {
  const read = Buffer.alloc(1_000, "x");
  const [first, small, large] = [read.subarray(0, 10), read.subarray(10, 20), read.subarray(500)];
  const tail = tailOf({ seq: 2, n: 1, bytes: small, at: 0 }, { seq: 3, n: 1, bytes: large, at: 0 });
  tail.prepend([{ seq: 1, n: 1, bytes: first, at: 0 }]);
  const kept = tail.after(0)!.map(({ bytes }) => bytes);
  assert.deepEqual(
    kept.map(({ buffer }) => buffer.byteLength),
    [10, 10, 500],
  );
  read.fill("y");
  assert.equal(Buffer.from(kept[1]!).toString(), "x".repeat(10));
});

test("a tail in which nothing is left keeps no block", () => {
  const tail = new Tail({ maxRecords: 64, maxBytes: 1_000_000 });
  for (const empty of [() => tail.dropBefore(1), () => tail.clear()]) {
    for (let seq = 1; seq <= 30; seq++) tail.push(record(seq, 1, 1_000));
    empty();
    tail.push(record(31, 1, 10, 1));
    assert.equal(tail.after(30)![0]!.bytes.buffer.byteLength, 10);
    tail.clear();
  }
});

test("small records share blocks that grow with the tail; what was read from it stays as it was", () => {
  const tail = new Tail({ maxRecords: 64, maxBytes: 1_000_000 });
  for (let seq = 1; seq <= 64; seq++) tail.push(record(seq, 1, 1_000));
  const read = tail.after(0)!;
  const blocks = new Set(read.map(({ bytes }) => bytes.buffer));
  assert.ok(blocks.size < 12, `${blocks.size} blocks`);
  assert.ok([...blocks].every(({ byteLength }) => byteLength <= 16 * 1_024));
  for (let seq = 65; seq <= 200; seq++) tail.push(record(seq, 1, 1_000));
  for (const { seq, bytes } of read) assert.ok(bytes.length === 1_000 && bytes.every((byte) => byte === seq));
  const large = { seq: 201, n: 1, bytes: new Uint8Array(5_000).fill(1), at: 0 };
  tail.push(large);
  assert.equal(
    tail.after(200)![0]!.bytes.buffer,
    large.bytes.buffer,
    "one that has memory of its own keeps it",
  );
});

test("the newest records, as many as fit, oldest first", () => {
  const tail = new Tail({ maxRecords: 3, maxBytes: 1_000_000 });
  assert.deepEqual(tail.newest(1_000), []);
  for (let seq = 1; seq <= 5; seq++) tail.push(record(seq, 1, 100));
  const seqsOf = (maxBytes: number) => tail.newest(maxBytes).map(([first]) => first);
  assert.deepEqual([seqsOf(99), seqsOf(100), seqsOf(299), seqsOf(300)], [[], [5], [4, 5], [3, 4, 5]]);
  assert.deepEqual(seqsOf(1_000), [3, 4, 5], "what was dropped is not among them");
});
