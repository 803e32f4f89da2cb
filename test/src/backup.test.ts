/** A cell's log is backed up while it is in use, lost, and restored: what was lost is lost, and nothing is mixed up. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { logStream } from "@plexus/protocol";
import { cli } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

const CELL = "eu-1";
const cluster = clusterForFile({ cells: [CELL], workers: 2, restart: false });

function file(name: string): string {
  return join(cluster.dataDir, name);
}

async function plexus(...args: string[]) {
  const { code: exitCode, out: output, err: errors } = await cli(cluster, "log", ...args);
  return { exitCode, output, errors };
}

async function stopWorkers(): Promise<void> {
  const workers = cluster.cluster.processes.filter(({ kind }) => kind === "worker");
  for (const worker of workers) worker.kill("SIGTERM");
  await Promise.all(workers.map(({ exited }) => exited));
}

async function startWorkers(): Promise<void> {
  const workers = cluster.cluster.processes.filter(({ kind }) => kind === "worker");
  await Promise.all(workers.map((worker) => worker.start()));
}

async function loseLog(): Promise<void> {
  const nats = await cluster.nats();
  await nats.request(`$JS.API.STREAM.DELETE.${logStream(CELL)}`, "", { timeout: 5_000 });
}

test("a log that was lost is restored up to its backup, and goes on in a new epoch", async () => {
  const alice = await cluster.connect("alice");
  const bob = await cluster.connect("bob");
  await bob.sub("chat.lost");
  const kept = [];
  for (let i = 0; i < 30; i++) kept.push(await alice.pub("chat.lost", i));
  const { epoch } = kept[0]!;
  let publishing = true;
  let beside = 0;
  const besides = (async () => {
    for (; publishing; beside++)
      await alice.pub(`chat.beside-${beside % 50}`, "x".repeat(2_000), `b${beside}`);
  })();
  await until("something to be published beside", () => beside > 100);
  const backup = await plexus("backup", CELL, file("log"), "--json");
  publishing = false;
  await besides;
  assert.equal(backup.exitCode, 0, backup.errors);
  const { records, fileBytes } = JSON.parse(backup.output) as { records: number; fileBytes: number };
  assert.ok(records >= 130);
  assert.equal(statSync(file("log")).size, fileBytes);
  const after = [];
  for (let i = 0; i < 10; i++) after.push(await alice.pub("chat.lost", `after ${i}`));
  const born = await alice.pub("chat.born-later", 1);

  const running = await plexus("restore", CELL, file("log"));
  assert.equal(running.exitCode, 4);
  assert.match(running.errors, /workers of eu-1 run: eu-1-w1, eu-1-w2/);
  await stopWorkers();
  const inUse = await plexus("restore", CELL, file("log"));
  assert.equal(inUse.exitCode, 4);
  assert.match(inUse.errors, /has a log with \d+ records/);
  await loseLog();
  const restored = await plexus("restore", CELL, file("log"), "--json");
  assert.equal(restored.exitCode, 0, restored.errors);
  const { epoch: newEpoch } = JSON.parse(restored.output) as { epoch: string };
  await startWorkers();

  const carol = await cluster.connect("carol");
  const history = await carol.history("chat.lost", { limit: 100 });
  assert.equal(history.epoch, newEpoch);
  assert.deepEqual(
    history.messages.map(({ seq, data }) => [seq, data]),
    kept.map(({ seq }, i) => [seq, i]),
  );
  const next = await carol.pub("chat.lost", "next");
  assert.deepEqual([next.epoch, next.seq], [newEpoch, kept.length + 1]);
  await until("the subscriber to be told", () => bob.frames.some(({ op }) => op === "reset"));
  await until("it to arrive", () => bob.frames.some(({ op, epoch }) => op === "msg" && epoch === newEpoch));
  // Where it was before the backup, and behind it: neither can be told what it missed.
  for (const { seq } of [kept[10]!, after[5]!]) {
    const client = await cluster.connect("carol");
    const { recovered, epoch: now } = await client.sub("chat.lost", { since: { epoch, seq } });
    assert.deepEqual([recovered, now], [false, newEpoch]);
  }

  // The past is part of the new epoch: whoever comes with a position in it gets all that follows.
  const dave = await cluster.connect("dave");
  const resumed = await dave.sub("chat.lost", { since: { epoch: newEpoch, seq: 20 } });
  assert.equal(resumed.recovered, true);
  await until("the rest", () => dave.channel("chat.lost").received.length === 11);
  const erin = await cluster.connect("erin");
  await erin.sub("chat.lost", { rewind: 5 });
  await until("what is rewound", () => erin.channel("chat.lost").received.length === 5);
  // What the backup does not know was lost, with its epoch.
  const reborn = await carol.pub("chat.born-later", 1);
  assert.deepEqual([reborn.epoch === born.epoch, reborn.seq], [false, 1]);
});

test("a file that is damaged, cut off, of another cell or none of ours changes nothing", async () => {
  const damaged = file("damaged");
  copyFileSync(file("log"), damaged);
  const bytes = readFileSync(damaged);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  writeFileSync(damaged, bytes);
  copyFileSync(file("log"), file("short"));
  truncateSync(file("short"), bytes.length - 1_000);
  writeFileSync(file("else"), "{}\n");
  const expected = { damaged: /is damaged/, short: /is cut off/, else: /is no backup of a log/ };
  for (const [name, message] of Object.entries(expected)) {
    const { exitCode, errors } = await plexus("restore", CELL, file(name), "--replace");
    assert.equal(exitCode, 1);
    assert.match(errors, message);
  }
  const other = await plexus("restore", "us-1", file("log"));
  assert.deepEqual([other.exitCode, /is a backup of eu-1/.test(other.errors)], [4, true]);
  const again = await plexus("backup", CELL, file("log"));
  assert.deepEqual([again.exitCode, /is there already/.test(again.errors)], [4, true]);
  assert.equal((await plexus("backup", "mars-1", file("mars"))).exitCode, 5);
  assert.ok(!existsSync(file("mars")) && !existsSync(file("mars.partial")));
});

test("restored once more, over a log in use, everything has yet another epoch", async () => {
  const alice = await cluster.connect("alice");
  const { epoch } = await alice.pub("chat.lost", "before the second time");
  await stopWorkers();
  const { exitCode, errors } = await plexus("restore", CELL, file("log"), "--replace");
  assert.equal(exitCode, 0, errors);
  await startWorkers();
  const bob = await cluster.connect("bob");
  const history = await bob.history("chat.lost", { limit: 100 });
  assert.equal(history.messages.length, 30);
  const { epoch: third } = await bob.pub("chat.lost", 1);
  assert.notEqual(third, epoch);
  assert.equal(history.epoch, third);
});
