import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkerStatus } from "@plexus/runtime";
import { allPeersAnswered, loadOf, ownerOf } from "./workers.js";

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

test("it is known when all workers of a cell have answered", () => {
  assert.ok(!allPeersAnswered([status("w1")]));
  assert.ok(allPeersAnswered([status("w1"), status("w2")]));
  assert.ok(!allPeersAnswered([status("w1"), status("w2", { peers: ["w1", "w2", "w3"] })]));
});

test("a cell's load is the sum of its workers' rates, and what the one that counts has counted", () => {
  const load = loadOf([status("w1", { rate: 1.26, channels: 40 }), status("w2", { rate: 2 })]);
  assert.deepEqual(load, { workers: 2, channels: 40, rate: 3.3 });
  assert.deepEqual(loadOf([]), { workers: 0, channels: 0, rate: 0 });
});

test("a partition's owner is who says so", () => {
  const answers = [status("w1", { partitions: [0, 2] }), status("w2", { partitions: [1] })];
  assert.equal(ownerOf(1, answers), "w2");
  assert.equal(ownerOf(3, answers), null);
});
