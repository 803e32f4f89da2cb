/**
 * A worker dies or freezes while a channel of its is busy: what was acknowledged is stored once, every subscriber on
 * every gateway gets all of it in order, and message ids keep their meaning.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { assertComplete, CountingPublisher } from "./harness/publisher.js";
import type { RawClient } from "./harness/raw-client.js";
import { until, within } from "./harness/wait.js";

const GATEWAYS = ["g1", "g2"];
const WORKERS = ["eu-1-w1", "eu-1-w2"];
const PARTITIONS = 64;
/**
 * A gateway gives a batch of publishes 10 s, whatever happens behind it, and one may have to wait for the batch
 * before it; the rest is for a busy machine.
 */
const MOST_PATIENCE_MS = 22_000;

const cluster = clusterForFile({ gateways: 2, workers: 2 });

/** Subscribers of both encodings on each gateway. */
async function subscribers(ch: string): Promise<RawClient[]> {
  const clients = await Promise.all(
    GATEWAYS.flatMap((gateway) =>
      (["json", "msgpack"] as const).map((encoding) => cluster.connect("reader", { gateway, encoding })),
    ),
  );
  for (const client of clients) await client.sub(ch);
  return clients;
}

/** On each gateway one that repeats what failed, with ids, and one that does not. */
async function publishers(ch: string): Promise<CountingPublisher[]> {
  const all = GATEWAYS.flatMap((gateway) => [true, false].map((mids) => ({ gateway, mids })));
  return await Promise.all(
    all.map(async ({ gateway, mids }) => {
      const client = await cluster.connect(`${gateway}-${mids}`, { gateway });
      return new CountingPublisher(client, ch, { mids });
    }),
  );
}

const acknowledged = (all: CountingPublisher[]) =>
  all.reduce((sum, each) => sum + each.acknowledged.length, 0);

/** Both workers live, know each other and have divided the partitions. */
async function untilShared(): Promise<void> {
  await until("the partitions to be divided", async () => {
    const owned = await Promise.all(
      WORKERS.map(async (id) => (await cluster.metrics(id)).sum("plexus_partitions_owned")),
    );
    return owned.every((n) => n > 0) && owned[0]! + owned[1]! === PARTITIONS;
  });
}

function restartOf(id: string): Promise<number> {
  return new Promise((resolve) => {
    cluster.cluster.events.on("restart", (restarted, pid) => restarted === id && resolve(pid));
  });
}

test("kill -9 of the owner while 1,000 messages are published", async () => {
  const ch = "chat.killed";
  await untilShared();
  const { worker } = await cluster.ownerOf(ch);
  const readers = await subscribers(ch);
  const writers = await publishers(ch);
  const publishing = Promise.all(writers.map((writer) => writer.run(250)));
  await until("some to be stored", () => acknowledged(writers) > 200);
  const restarted = restartOf(worker);
  const { pid } = cluster.process(worker);
  cluster.process(worker).kill("SIGKILL");
  const storedBefore = acknowledged(writers);
  await publishing;
  assert.ok(storedBefore < 900, "the worker died in the midst of it");
  for (const writer of writers) {
    assert.ok(writer.slowestMs < MOST_PATIENCE_MS);
    for (const { code } of writer.errors) assert.ok(["unavailable", "timeout"].includes(code), code);
  }
  const careful = writers.filter((_, i) => i % 2 === 0);
  assert.equal(acknowledged(careful), 500, "what is repeated with its id gets through");
  await assertComplete(ch, readers, writers);

  assert.notEqual(await within("the restart", restarted), pid);
  await untilShared();
  await Promise.all(writers.map((writer) => writer.run(10)));
  await assertComplete(ch, readers, writers);
});

test("a mid is known across the death of the worker that stored it", async () => {
  const ch = "chat.mids-survive";
  await untilShared();
  const { worker } = await cluster.ownerOf(ch);
  const client = await cluster.connect("ada");
  await client.sub(ch);
  const first = await client.pub(ch, "once", "m-1");
  await client.pub(ch, "more", "m-2");
  const restarted = restartOf(worker);
  cluster.process(worker).kill("SIGKILL");
  const again = await client.pub(ch, "once", "m-1");
  assert.deepEqual([again.epoch, again.seq, again.ts, again.dup], [first.epoch, first.seq, first.ts, true]);
  const other = await cluster.connect("bob");
  assert.deepEqual([(await other.pub(ch, "bob's", "m-1")).seq, (await client.pub(ch, "next")).seq], [3, 4]);
  await until("all to arrive", () => client.channel(ch).received.length === 4);
  client.channel(ch).assertConsecutive();
  await within("the restart", restarted);
});

test("a worker that freezes until another has taken over does no harm when it goes on", async () => {
  const ch = "chat.frozen";
  await untilShared();
  const { worker } = await cluster.ownerOf(ch);
  const successor = WORKERS.find((id) => id !== worker)!;
  const readers = await subscribers(ch);
  const writers = await publishers(ch);
  const publishing = Promise.all(writers.map((writer) => writer.run()));
  await until("some to be stored", () => acknowledged(writers) > 200);
  cluster.process(worker).kill("SIGSTOP");
  try {
    await until("the other to own everything", async () => {
      return (await cluster.metrics(successor)).sum("plexus_partitions_owned") === PARTITIONS;
    });
    const before = acknowledged(writers);
    await until("some to be stored by the successor", () => acknowledged(writers) > before + 20);
  } finally {
    cluster.process(worker).kill("SIGCONT");
  }
  await until("it to notice", () => cluster.log(worker).includes("this process was paused"));
  const dropped = (await cluster.metrics(worker)).sum("plexus_commands_dropped_total");
  assert.ok(dropped > 0, "what was asked of it meanwhile is asked of others by now");
  await untilShared();
  const before = acknowledged(writers);
  await until("some to be stored after that", () => acknowledged(writers) > before + 20);
  for (const writer of writers) writer.stop();
  await publishing;
  for (const writer of writers) assert.ok(writer.slowestMs < MOST_PATIENCE_MS, `${writer.slowestMs} ms`);
  await assertComplete(ch, readers, writers);
});
