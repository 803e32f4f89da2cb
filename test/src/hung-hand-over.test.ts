/** A worker hangs, and its channels are asked for from another cell: whoever takes its place hands them over. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { begin, type Placements, placements } from "./harness/operations.js";
import { until } from "./harness/wait.js";

/** A hung worker is given up after 2 s; a client waits 10 s for its answer. */
const ANSWERED_WITHIN_MS = 8_000;

let context: Placements;
const cluster = clusterForFile({ cells: ["eu-1", "us-1"], workers: 2 }, async (running) => {
  context = await placements(running);
});

test("a publish to a channel that moves away from a worker that hangs is stored, without an error", async () => {
  const client = await cluster.connect("alice");
  let ch = "";
  let worker = "";
  for (let i = 0; worker === ""; i++) {
    ch = `chat.hung-${i}`;
    const owner = await cluster.ownerOf(ch);
    if (owner.cell === "eu-1") ({ worker } = owner);
  }
  await client.sub(ch);
  const first = await client.pub(ch, 1);
  const hung = cluster.process(worker);
  hung.kill("SIGSTOP");
  try {
    await begin(context, "drain", "eu-1");
    const startedAt = performance.now();
    const second = await client.pub(ch, 2);
    assert.ok(performance.now() - startedAt < ANSWERED_WITHIN_MS);
    assert.deepEqual([second.epoch, second.seq], [first.epoch, first.seq + 1]);
    await until("both messages", () => client.channel(ch).received.length === 2);
    client.channel(ch).assertConsecutive();
    assert.deepEqual(client.channel(ch).resets, []);
  } finally {
    hung.kill("SIGCONT");
  }
});
