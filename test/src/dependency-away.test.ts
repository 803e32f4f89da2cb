/** Redis hangs, or the log is gone, while everything else is well: what still works, and how soon the rest is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { logStream } from "@plexus/protocol";
import { clusterForFile } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

const SOON_MS = 1_000;

const cluster = clusterForFile();

function breaker(dependency: string): Promise<number> {
  const worker = cluster.cluster.processes.find(({ kind }) => kind === "worker")!;
  return cluster.metrics(worker.id).then((metrics) => {
    const name = `plexus_breaker_open{dependency="${dependency}"}`;
    assert.ok(metrics.names.has("plexus_breaker_open"));
    return metrics.sum(name);
  });
}

test("while Redis hangs channels that are new to the cell are subscribed to and published to at once", async () => {
  const client = await cluster.connect("alice");
  await client.sub("chat.warm");
  const redis = cluster.process("redis");
  redis.kill("SIGSTOP");
  try {
    for (let i = 0; i < 10; i++) {
      const startedAt = performance.now();
      await client.sub(`chat.plain-${i}`);
      await client.pub(`chat.plain-${i}`, i);
      assert.ok(performance.now() - startedAt < SOON_MS, `${performance.now() - startedAt} ms`);
    }
    await until("the breaker is open", async () => (await breaker("redis")) === 1);
    const startedAt = performance.now();
    const ok = await client.sub("chat.members", { presence: true });
    assert.ok(performance.now() - startedAt < SOON_MS);
    assert.equal(ok.stale, true, "presence says that it is not sure");
  } finally {
    redis.kill("SIGCONT");
  }
  await until("the breaker is closed", async () => (await breaker("redis")) === 0);
  await until("the list is sure", async () => (await client.presence("chat.members")).stale !== true);
});

test("when the log is gone publishes are refused at once, and subscribers stay and resume", async () => {
  const [client, other] = [await cluster.connect("alice"), await cluster.connect("bob")];
  const ch = "chat.logless";
  await client.sub(ch);
  const first = await client.pub(ch, 1);
  const nats = await cluster.nats();
  const { cell } = await cluster.ownerOf(ch);
  await nats.request(`$JS.API.STREAM.DELETE.${logStream(cell)}`);
  const refusal = async () => {
    const startedAt = performance.now();
    const error = await client.refused({ op: "pub", ch: "chat.logless-too", data: 1 }, "unavailable");
    assert.ok(error.retry !== undefined && error.retry > 0);
    return performance.now() - startedAt;
  };
  await until("a breaker is open", async () => {
    await refusal();
    return (await breaker("log_reads")) === 1;
  });
  const tookMs: number[] = [];
  for (let i = 0; i < 20; i++) tookMs.push(await refusal());
  // Now and then one is let through, to see whether the log is back.
  const slow = tookMs.filter((ms) => ms > SOON_MS / 4);
  assert.ok(slow.length <= 2, `${slow.length} of ${tookMs.length} waited`);
  const resumed = await other.sub(ch, { since: { epoch: first.epoch, seq: 0 } });
  assert.equal(resumed.recovered, true);
  await until("what was stored", () => other.channel(ch).received.length === 1);
  await client.ok({ op: "unsub", ch });
  assert.ok(client.isOpen && other.isOpen);
});
