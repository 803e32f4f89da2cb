/**
 * The log of a cell with brokers of its own is restored to a time before its channels went away and came back: what the
 * other cell knows of them is kept, and what was lost is told apart from what comes.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { logStream } from "@plexus/protocol";
import { cli } from "./harness/admin.js";
import { TestCluster } from "./harness/cluster.js";
import { channelIn, operate, type Placements, placements } from "./harness/operations.js";

const CELL = "eu-1";
/** Nobody is given up while the log is restored. */
const workerEnv = { PLEXUS_CELL_GRACE_MS: "120000" };
const STARTS = 5;
let cluster: TestCluster;
let context: Placements;

before(async () => {
  cluster = await startedCluster();
  context = await placements(cluster);
});
after(async () => {
  await cluster?.stop();
});

/**
 * What the test stops must not be started again for it, and so neither is a worker that was quicker than the
 * connection between its broker and the hub: then all of it is.
 */
async function startedCluster(): Promise<TestCluster> {
  for (let start = 1; ; start++) {
    const cluster = new TestCluster({ cells: [CELL, "us-1"], isolated: true, restart: false, workerEnv });
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      if (start === STARTS) throw error;
    }
  }
}

async function log(...args: string[]): Promise<string> {
  const { code, out, err } = await cli(cluster, "log", ...args);
  assert.equal(code, 0, err);
  return out;
}

test("channels that left and came back after the backup go on behind what the other cell has", async () => {
  const file = join(cluster.dataDir, "log");
  const [known, born, other] = [
    channelIn(context, CELL, "known"),
    channelIn(context, CELL, "born"),
    channelIn(context, "us-1", "other"),
  ];
  const alice = await cluster.connect("alice");
  const here = await alice.pub(known, "here");
  const elsewhere = await alice.pub(other, "not concerned");
  await log("backup", CELL, file);
  assert.equal((await operate(context, "drain", CELL)).state, "done");
  await alice.pub(known, "there");
  const bornThere = await alice.pub(born, "there");
  assert.equal((await operate(context, "activate", CELL)).state, "done");
  const lost = [await alice.pub(known, "back"), await alice.pub(born, "back")];
  assert.deepEqual([lost[0]!.epoch, lost[0]!.seq], [here.epoch, 3]);

  const worker = cluster.process(`${CELL}-w1`);
  worker.kill("SIGTERM");
  await worker.exited;
  const nats = await cluster.nats();
  await nats.request(`$JS.${CELL}.API.STREAM.DELETE.${logStream(CELL)}`, "", { timeout: 5_000 });
  const restored = JSON.parse(await log("restore", CELL, file, "--json")) as Record<string, unknown>;
  assert.deepEqual([restored.opened, restored.sealed], [2, 0]);
  await worker.start();

  const bob = await cluster.connect("bob");
  for (const [channel, past] of [
    [known, ["here", "there"]],
    [born, ["there"]],
  ] as const) {
    const next = await bob.pub(channel, "next");
    assert.deepEqual([next.epoch, next.seq], [restored.epoch, past.length + 1]);
    const { epoch, messages } = await bob.history(channel, { limit: 10 });
    assert.equal(epoch, restored.epoch);
    assert.deepEqual(
      messages.map(({ data }) => data),
      [...past, "next"],
    );
  }
  for (const { epoch } of [here, bornThere, ...lost]) assert.notEqual(epoch, restored.epoch);
  const { epoch } = await bob.pub(other, "still not");
  assert.equal(epoch, elsewhere.epoch);
});
