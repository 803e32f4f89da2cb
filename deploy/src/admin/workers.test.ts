import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkerStatus } from "@plexus/runtime";
import { loadOf, missingFrom, ownerOf } from "./workers.js";

function status(worker: string, values: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    cell: "eu-1",
    worker,
    peers: ["w1", "w2"],
    actors: 0,
    partitions: [],
    rate: 0,
    channels: 0,
    ...values,
  };
}

test("who did not answer is known from those who did, and from who was heard of late", () => {
  assert.deepEqual(missingFrom([status("w1"), status("w2")], []), []);
  assert.deepEqual(missingFrom([status("w1")], []), ["w2"]);
  assert.deepEqual(missingFrom([status("w1", { peers: ["w1"] })], []), []);
  assert.deepEqual(
    missingFrom([status("w1", { peers: ["w1"] })], ["w2", "w1"]),
    ["w2"],
    "it thinks it is alone",
  );
  assert.deepEqual(missingFrom([], ["w1"]), ["w1"]);
});

test("a cell's load is the sum of its workers' rates, and what the one that counts has counted", () => {
  const answers = [status("w1", { rate: 1.26, channels: 40 }), status("w2", { rate: 2 })];
  const all = { missing: [], complete: true };
  assert.deepEqual(loadOf({ answers, ...all }), { workers: 2, channels: 40, rate: 3.3, ...all });
  const none = { missing: ["w1"], complete: false };
  assert.deepEqual(loadOf({ answers: [], ...none }), { workers: 0, channels: 0, rate: 0, ...none });
});

test("a partition's owner is who says so", () => {
  const answers = [status("w1", { partitions: [0, 2] }), status("w2", { partitions: [1] })];
  assert.equal(ownerOf(1, answers), "w2");
  assert.equal(ownerOf(3, answers), null);
});
