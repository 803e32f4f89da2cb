/** Subscribers that stop reading are closed so that they can resume, and cost the others and the gateway nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Position } from "@plexus/protocol";
import { clusterForFile } from "./harness/cluster.js";
import type { RawClient } from "./harness/raw-client.js";
import { until, within } from "./harness/wait.js";

const CH = "chat.busy";
const MESSAGE = "x".repeat(30_000);
const SLOW_BYTES = 262_144;
const BACKPRESSURE_BYTES = 1_048_576;
const SLOW_READERS = 8;
/** The kernel takes some megabytes for each socket before the gateway notices; far more than that is a defect. */
const MOST_MESSAGES = 4_000;
/** What the gateway's memory may grow by: the unsent bytes of all slow readers, tails, and the heap's own play. */
const GROWTH_BYTES = SLOW_READERS * BACKPRESSURE_BYTES + 120 * 1024 * 1024;

const cluster = clusterForFile({
  gatewayEnv: {
    PLEXUS_SLOW_READER_BYTES: String(SLOW_BYTES),
    PLEXUS_MAX_BACKPRESSURE_BYTES: String(BACKPRESSURE_BYTES),
  },
});

test("readers that stop are closed resumably, the others get everything, memory stays bounded", async () => {
  const slow = await Promise.all(
    Array.from({ length: SLOW_READERS }, (_, i) =>
      cluster.connect(`slow-${i}`, { encoding: i % 2 === 0 ? "json" : "msgpack" }),
    ),
  );
  const [publisher, quick] = await Promise.all([cluster.connect("ada"), cluster.connect("quick")]);
  for (const client of [...slow, quick]) await client.sub(CH);
  await publisher.pub(CH, "the first");
  for (const client of slow) await until("the first", () => client.channel(CH).received.length === 1);
  for (const client of slow) client.pause();

  const before = await memory();
  let most = before;
  let published = 1;
  const closed = async () => (await cluster.metrics("g1")).sum("plexus_connections_closed_total");
  const closedBefore = await closed();
  while ((await closed()) < closedBefore + SLOW_READERS) {
    assert.ok(published < MOST_MESSAGES, "slow readers are closed after some megabytes");
    await Promise.all(Array.from({ length: 8 }, () => publisher.pub(CH, MESSAGE)));
    published += 8;
    most = Math.max(most, await memory());
  }
  // What was sent up to then may all be on its way to them; this comes when they are closed.
  await publisher.pub(CH, "the last");
  published++;
  assert.ok(most - before < GROWTH_BYTES, `memory grew by ${Math.round((most - before) / 1e6)} MB`);

  await until("everything at the quick one", () => quick.channel(CH).received.length === published);
  quick.channel(CH).assertConsecutive();
  assert.ok(quick.isOpen && publisher.isOpen);

  await Promise.all(slow.map((client) => resumes(client, published)));
});

/** The client reads on, finds itself closed, comes back with its position, and misses nothing. */
async function resumes(client: RawClient, published: number): Promise<void> {
  client.resume();
  const { code } = await within("the close", client.closed);
  assert.ok([4001, 1006].includes(code), `closed with ${code}`);
  const goodBye = client.frames.at(-1) as { op: string; code?: string; reconnect?: unknown };
  if (code === 4001) assert.equal(goodBye.code, "slow_reader");
  if (goodBye.op === "bye") assert.notEqual(goodBye.reconnect, null);
  const watch = client.channel(CH);
  watch.assertConsecutive();
  const since: Position = watch.position;
  assert.ok(since.seq < published, "it did not read everything before it was closed");
  const again = await cluster.connect(client.welcome!.user, { encoding: client.encoding });
  assert.equal((await again.sub(CH, { since })).recovered, true);
  await until("the rest", () => (again.channel(CH).seqs.at(-1) ?? 0) >= published);
  again.channel(CH).assertConsecutive();
  assert.equal(watch.received.length + again.channel(CH).received.length, published);
  assert.equal(again.channel(CH).seqs[0], since.seq + 1);
  await again.close();
}

async function memory(): Promise<number> {
  return (await cluster.metrics("g1")).sum("plexus_process_resident_memory_bytes");
}
