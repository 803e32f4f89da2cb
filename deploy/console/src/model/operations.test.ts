import assert from "node:assert/strict";
import { test } from "node:test";
import type { Operation } from "../api-types.js";
import { announcement, progressOf, shareDone, titleOf, withOperations } from "./operations.js";

const drain: Operation = {
  id: "drain-1",
  kind: "drain",
  cell: "eu-1",
  state: "running",
  moved: 0,
  total: 0,
  startedAt: 1_000,
};
const at = (moved: number): Operation => ({ ...drain, moved, total: 100 });
const done: Operation = { ...at(100), state: "done", finishedAt: 2_000 };

test("news replace what is known; newest first, fifty at most", () => {
  const later: Operation = { ...drain, id: "activate-2", kind: "activate", startedAt: 5_000 };
  assert.deepEqual(
    withOperations([drain], [later, at(10)]).map(({ id, moved }) => [id, moved]),
    [
      ["activate-2", 0],
      ["drain-1", 10],
    ],
  );
  const many = Array.from({ length: 80 }, (_, i) => ({ ...done, id: `drain-${i}`, startedAt: i }));
  const kept = withOperations([], many);
  assert.deepEqual([kept.length, kept[0]?.id], [50, "drain-79"]);
});

test("older news change nothing: streams and lists cross", () => {
  assert.deepEqual(withOperations([done], [at(90)]), [done]);
  assert.deepEqual(withOperations([at(50)], [at(40)]), [at(50)]);
  const parked: Operation = { ...at(50), state: "parked", error: "no log" };
  assert.deepEqual(withOperations([parked], [at(50)]), [at(50)], "it was run again");
});

test("how far it is, in words and as a share", () => {
  assert.deepEqual([shareDone(drain), progressOf(drain)], [null, "counting"]);
  assert.deepEqual([shareDone(at(25)), progressOf(at(25))], [0.25, "25 of 100 channels"]);
  const nothing: Operation = { ...drain, state: "done" };
  assert.deepEqual([shareDone(nothing), progressOf(nothing)], [1, "nothing had to move"]);
  const gateway: Operation = { ...drain, kind: "gateway-drain", gateway: "g1", total: 1, moved: 1 };
  delete gateway.cell;
  assert.deepEqual([titleOf(gateway), progressOf(gateway)], ["Draining gateway g1", "1 of 1 connection"]);
});

test("a screen reader hears the beginning, each quarter and the end, and no more", () => {
  const news = [drain, at(10), at(26), at(30), at(80), done];
  const said = news.map((now, i) => announcement(news[i - 1], now));
  assert.deepEqual(said, [
    "Draining eu-1 has begun.",
    undefined,
    "Draining eu-1: 26 of 100 channels.",
    undefined,
    "Draining eu-1: 80 of 100 channels.",
    "eu-1 is drained, 100 of 100 channels.",
  ]);
  const parked: Operation = { ...at(50), state: "parked", error: "no log" };
  assert.equal(announcement(at(50), parked), "Draining eu-1 is parked: no log.");
  const failed: Operation = { ...done, state: "failed" };
  assert.equal(announcement(at(50), failed), "Draining eu-1 failed.");
});
