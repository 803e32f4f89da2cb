/** What an operation says of itself while it can't go on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Operation } from "@plexus/runtime";
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
