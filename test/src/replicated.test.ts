/** A NATS cluster of three with replicated logs: each server dies in its turn, and nobody misses anything. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { logStream } from "@plexus/protocol";
import { TestCluster } from "./harness/cluster.js";
import { NatsCluster } from "./harness/nats-cluster.js";
import { assertComplete, CountingPublisher } from "./harness/publisher.js";
import { until } from "./harness/wait.js";

const COPIES = 3;
const CELL = "eu-1";
const CHANNELS = ["one", "two", "three", "four"].map((name) => `chat.replicated.${name}`);
/** To be sure that a channel goes on. */
const SOME = 50;
/** A new leader of a log takes up to a few seconds, and a client is told to repeat until then. */
const RECOVERY_MS = 60_000;

const nats = new NatsCluster();
let cluster: TestCluster;
before(async () => {
  await nats.start();
  cluster = new TestCluster({
    natsUrl: nats.url,
    workerEnv: { PLEXUS_LOG_REPLICAS: `${COPIES}` },
    cells: [CELL],
    workers: 2,
    gateways: 2,
    restart: false,
  });
  await cluster.start();
});
after(async () => {
  await cluster?.stop();
  await nats.stop();
});

/** All servers have all of the log: the next one may go. */
async function allCopies(): Promise<void> {
  const { streams } = await jetstreamManager(await cluster.nats(), { checkAPI: false });
  const complete = async () => {
    const info = await streams.info(logStream(CELL)).catch(() => undefined);
    return info?.cluster?.replicas?.filter(({ current }) => current).length === COPIES - 1;
  };
  await until("all copies of the log", complete, RECOVERY_MS);
}

test("each server is killed and comes back, while messages are published", async () => {
  const clients = await Promise.all(
    CHANNELS.map((_, i) => cluster.connect(`user${i}`, { gateway: `g${1 + (i % 2)}` })),
  );
  for (const client of clients) for (const ch of CHANNELS) await client.sub(ch);
  const options = { mids: true, atOnce: 1 };
  const writers = clients.map((client, i) => new CountingPublisher(client, CHANNELS[i]!, options));
  const publishing = Promise.all(writers.map((writer) => writer.run()));
  const goesOn = async () => {
    const before = writers.map(({ acknowledged }) => acknowledged.length);
    const every = () => writers.every(({ acknowledged }, i) => acknowledged.length > before[i]! + SOME);
    await until("every channel to go on", every, RECOVERY_MS);
  };
  await allCopies();
  for (const name of nats.names) {
    await goesOn();
    await nats.kill(name);
    await goesOn();
    nats.run(name);
    await nats.ready();
    await allCopies();
  }
  await goesOn();
  for (const writer of writers) writer.stop();
  await publishing;
  for (const { code } of writers.flatMap(({ errors }) => errors))
    assert.ok(["unavailable", "timeout", "rate_limited"].includes(code), code);
  for (const [i, ch] of CHANNELS.entries()) await assertComplete(ch, clients, [writers[i]!]);
});
