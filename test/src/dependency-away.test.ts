/** Redis hangs, or the log is gone, while everything else is well: what still works, and how soon the rest is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isErrorCode, logStream } from "@plexus/protocol";
import { inTime, stalledDuring, untilQuick } from "@plexus/runtime/testing";
import { clusterForFile } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

const SOON_MS = 1_000;

const cluster = clusterForFile({ admin: true });

function breaker(dependency: string): Promise<number> {
  const worker = cluster.cluster.processes.find(({ kind }) => kind === "worker")!;
  return cluster.metrics(worker.id).then((metrics) => {
    const name = `plexus_breaker_open{dependency="${dependency}"}`;
    assert.ok(metrics.names.has("plexus_breaker_open"));
    return metrics.sum(name);
  });
}

test("while Redis hangs channels that are new to the cell are subscribed to and published to at once", () =>
  untilQuick("what does not wait for Redis", async (attempt) => {
    const client = await cluster.connect("alice");
    await client.sub(`chat.warm-${attempt}`);
    const members = `chat.members-${attempt}`;
    const redis = cluster.process("redis");
    let quick = true;
    redis.kill("SIGSTOP");
    try {
      for (let i = 0; i < 10; i++) {
        const ch = `chat.plain-${attempt}-${i}`;
        const inOne = () => client.sub(ch).then(() => client.pub(ch, i));
        quick = (await inTime("a subscription and a publish", SOON_MS, inOne)) && quick;
      }
      await until("the breaker is open", async () => (await breaker("redis")) === 1);
      const joins = async () => {
        const ok = await client.sub(members, { presence: true });
        assert.equal(ok.stale, true, "presence says that it is not sure");
      };
      quick = (await inTime("a subscription with presence", SOON_MS, joins)) && quick;
    } finally {
      redis.kill("SIGCONT");
    }
    await until("the breaker is closed", async () => (await breaker("redis")) === 0);
    await until("the list is sure", async () => (await client.presence(members)).stale !== true);
    return quick;
  }));

/** Longer than any deadline within a process; other tests run on the same processors. */
const ANSWERED_WITHIN_MS = 25_000;

test("while the bus hangs every question to the admin API is answered, with what is known or an error", async () => {
  const { adminUrl, adminToken } = cluster.dev;
  const headers = { authorization: `Bearer ${adminToken}`, connection: "close" };
  const read = (path: string) =>
    fetch(adminUrl + path, { headers, signal: AbortSignal.timeout(ANSWERED_WITHIN_MS) });
  const { paths } = (await (await read("/openapi.json")).json()) as { paths: Record<string, object> };
  const NAMES = { id: "eu-1", tenant: "demo", channel: "chat.a", user: "alice", webhook: "w", name: "b" };
  const named = (_: string, name: string) => (NAMES as Record<string, string>)[name] ?? "x";
  const asked = Object.entries(paths)
    .filter(([path, methods]) => "get" in methods && !/events|live|tail|traces/.test(path))
    .map(([path]) => path.replace(/\{(\w+)\}/g, named));
  assert.ok(asked.length > 10);
  const nats = cluster.process("nats");
  nats.kill("SIGSTOP");
  try {
    await Promise.all(
      asked.map(async (path) => {
        const answer = await read(path);
        const body = (await answer.json()) as { error?: { code: string } };
        const known = answer.status === 200 || isErrorCode(body.error?.code);
        assert.ok(
          known && body.error?.code !== "internal",
          `${path}: ${answer.status} ${JSON.stringify(body)}`,
        );
      }),
    );
  } finally {
    nats.kill("SIGCONT");
  }
  await until("all is well again", async () => (await read("/v1/operations")).status === 200);
});

test("when the log is gone publishes are refused at once, and subscribers stay and resume", async () => {
  const [client, other] = [await cluster.connect("alice"), await cluster.connect("bob")];
  const ch = "chat.logless";
  await client.sub(ch);
  const first = await client.pub(ch, 1);
  const nats = await cluster.nats();
  const { cell } = await cluster.ownerOf(ch);
  await nats.request(`$JS.API.STREAM.DELETE.${logStream(cell)}`, undefined, { timeout: 10_000 });
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
  await untilQuick("refusals at once", async () => {
    const tookMs: number[] = [];
    const stalled = await stalledDuring(SOON_MS / 4, async () => {
      for (let i = 0; i < 20; i++) tookMs.push(await refusal());
    });
    // Now and then one is let through, to see whether the log is back.
    const slow = tookMs.filter((ms) => ms > SOON_MS / 4);
    assert.ok(slow.length <= 2 || stalled, `${slow.length} of ${tookMs.length} waited`);
    return slow.length <= 2;
  });
  const resumed = await other.sub(ch, { since: { epoch: first.epoch, seq: 0 } });
  assert.equal(resumed.recovered, true);
  await until("what was stored", () => other.channel(ch).received.length === 1);
  await client.ok({ op: "unsub", ch });
  assert.ok(client.isOpen && other.isOpen);
});
