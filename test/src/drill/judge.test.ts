import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, type Verdict } from "./judge.js";
import type { Ack } from "./load/lane.js";
import type { Arrival } from "./load/watch.js";

/** Messages 0, 1, 2 … at the seqs 1, 2, 3 …, in this order. */
function arrivals(...numbers: number[]): Arrival[] {
  return numbers.map((number, i) => ({ epoch: "e", seq: i + 1, number }));
}

function acks(count: number): Ack[] {
  return Array.from({ length: count }, (_, i) => ({ epoch: "e", seq: i + 1 }));
}

function counts({ findings: _, ...verdict }: Verdict): object {
  return Object.fromEntries(Object.entries(verdict).filter(([, count]) => count > 0));
}

test("all that was acknowledged, once and in order, is well", () => {
  assert.deepEqual(counts(judge("c", acks(3), arrivals(0, 1, 2))), {});
  assert.deepEqual(judge("c", [], []).findings, []);
});

test("a message that was never acknowledged may have come or not", () => {
  const [first, , third] = acks(3);
  assert.deepEqual(counts(judge("c", [first, undefined, third], arrivals(0, 1, 2))), {});
  const without = [arrivals(0)[0]!, { epoch: "e", seq: 2, number: 2 }];
  assert.deepEqual(counts(judge("c", [first, undefined, { epoch: "e", seq: 2 }], without)), {});
});

test("what is missing, came twice or out of order is found", () => {
  assert.deepEqual(counts(judge("c", acks(3), arrivals(0, 1))), { lost: 1 });
  assert.deepEqual(counts(judge("c", acks(2), arrivals(0, 1, 1))), { duplicated: 1, misnumbered: 1 });
  const swapped = [
    { epoch: "e", seq: 2 },
    { epoch: "e", seq: 1 },
  ];
  assert.deepEqual(counts(judge("c", swapped, arrivals(1, 0))), { reordered: 1 });
});

test("a hole between seqs, or an epoch without a word, is found", () => {
  const hole = [arrivals(0)[0]!, { epoch: "e", seq: 3, number: 1 }];
  assert.deepEqual(counts(judge("c", [], hole)), { misnumbered: 1 });
  const epochs = [arrivals(0)[0]!, { epoch: "f", seq: 1, number: 1 }];
  assert.deepEqual(counts(judge("c", [], epochs)), { misnumbered: 1 });
});

test("a subscriber that was told of a hole is excused from what lies in it, and from nothing else", () => {
  const epochs = [...arrivals(0), { epoch: "f", seq: 1, number: 2 }, { epoch: "f", seq: 2, number: 2 }];
  const acknowledged = [...acks(2), { epoch: "f", seq: 1 }];
  assert.deepEqual(counts(judge("c", acknowledged, epochs, true)), { duplicated: 1, misnumbered: 1 });
});
