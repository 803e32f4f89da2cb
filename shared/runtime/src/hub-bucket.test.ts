/** Buckets of the hub, on one server: test/src/hub-replicated.test.ts has three. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { streamsOf } from "./hub.js";
import { hubBucket } from "./hub-bucket.js";
import { natsForFile, silent } from "./testing/index.js";

const bus = natsForFile();

test("a bucket that is there is taken as it is, and who wants more copies is told of the command", async () => {
  const kv = await hubBucket(bus.nats, silent, { name: "few", history: 1 }, {});
  await kv.put("key", "kept");
  const lines: Array<{ level: number; command: string; msg: string }> = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const same = await hubBucket(bus.nats, log, { name: "few", history: 1 }, { hubReplicas: 3 });
  assert.equal((await same.get("key"))?.string(), "kept");
  assert.equal((await same.status()).replicas, 1);
  assert.deepEqual(
    lines.map(({ command }) => command),
    ["nats stream edit KV_few --replicas 3"],
  );
  assert.match(lines[0]!.msg, /few/);
  await hubBucket(bus.nats, log, { name: "few", history: 1 }, { hubReplicas: 1 });
  assert.equal(lines.length, 1, "it has what is wanted");
});

test("only the leader answers: also of a bucket that allows direct gets", async () => {
  const { streams } = await streamsOf(bus.nats, undefined);
  const made = await hubBucket(bus.nats, silent, { name: "made", history: 1 }, {});
  assert.equal((await streams.info("KV_made")).config.allow_direct ?? false, false);
  await streams.update("KV_made", { allow_direct: true });
  const direct: string[] = [];
  bus.nats.subscribe("$JS.API.DIRECT.GET.>", { callback: (_, { subject }) => void direct.push(subject) });
  const found = await hubBucket(bus.nats, silent, { name: "made", history: 1 }, {});
  await made.put("key", "value");
  assert.equal((await found.get("key"))?.string(), "value");
  assert.equal(await found.get("none"), null);
  await bus.nats.flush();
  assert.deepEqual(direct, []);
});
