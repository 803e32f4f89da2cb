/** What an operation says of itself while it can't go on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isParked, type Operation, unparked } from "@plexus/runtime";
import { withTrouble } from "./mover.js";

const RUNNING: Operation = {
  id: "drain-1",
  kind: "drain",
  cell: "eu-1",
  state: "running",
  version: 2,
  startedAt: 1,
  progress: {},
};

test("trouble is written down with the cell that has it, and taken back by nobody else", () => {
  const troubled = withTrouble(RUNNING, "eu-1", "the hub does not answer");
  assert.deepEqual(troubled, { ...RUNNING, error: "eu-1: the hub does not answer" });
  assert.equal(withTrouble(troubled, "eu-1", "the hub does not answer"), troubled, "nothing to write");
  assert.equal(withTrouble(troubled, "us-1", null), troubled);
  assert.deepEqual(withTrouble(troubled, "eu-1", null), RUNNING);
  assert.equal(withTrouble(RUNNING, "eu-1", null), RUNNING);
});

test("an operation that has ended keeps its last word", () => {
  const done: Operation = { ...RUNNING, state: "done", finishedAt: 2 };
  assert.equal(withTrouble(done, "eu-1", "late"), done);
});

test("what failed for too long is parked, and unparked for one cell or for all", () => {
  const parked = withTrouble(RUNNING, "eu-1", "nobody answers", true);
  assert.equal(parked.progress["eu-1"]?.parked, true);
  assert.equal(isParked(parked), true);
  const both = withTrouble(parked, "us-1", "the disk is full", true);
  const one = unparked(both, "eu-1");
  assert.deepEqual([one.progress["eu-1"]?.parked, one.progress["us-1"]?.parked], [undefined, true]);
  assert.equal(one.error, "us-1: the disk is full", "another cell's word stays");
  const all = unparked(both);
  assert.equal(isParked(all), false);
  assert.equal(all.error, undefined);
  assert.equal(unparked(all), all, "nothing to write");
  assert.equal(isParked({ ...both, state: "superseded" }), false);
});
