/** Cells with brokers of their own: what happens to one is not felt by the other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { channelIn, directoryWhere, operate, type Placements, placements } from "./harness/operations.js";
import { until } from "./harness/wait.js";

const GRACE_MS = 8_000;
let context: Placements;
const cluster = clusterForFile(
  {
    isolated: true,
    restart: false,
    cells: ["eu-1", "us-1"],
    gateways: 1,
    workerEnv: { PLEXUS_CELL_GRACE_MS: String(GRACE_MS) },
  },
  async (running) => {
    context = await placements(running);
  },
);

/** Everything of a cell: its workers first, then its brokers. */
function processesOf(cell: string) {
  return cluster.cluster.processes.filter((process) => process.cell === cell).reverse();
}

async function killCell(cell: string): Promise<void> {
  for (const process of processesOf(cell)) {
    const { exited } = process;
    process.kill("SIGKILL");
    await exited;
  }
}

async function startCell(cell: string): Promise<void> {
  for (const process of processesOf(cell).reverse()) await process.start();
}

test("the history of a drained cell stays readable when the cell is switched off", async () => {
  const channel = channelIn(context, "eu-1", "mirrored");
  const alice = await cluster.connect("alice");
  for (let i = 1; i <= 30; i++) await alice.pub(channel, i);
  assert.equal((await operate(context, "drain", "eu-1")).state, "done");
  await killCell("eu-1");
  const { messages } = await alice.history(channel);
  assert.deepEqual(
    messages.map(({ data }) => data),
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  assert.equal((await alice.pub(channel, 31)).seq, 31);
  await startCell("eu-1");
  assert.equal((await operate(context, "activate", "eu-1")).state, "done");
  assert.equal((await alice.pub(channel, 32)).seq, 32);
});

test("one cell stopped and killed: the other's messages flow, its own channels open elsewhere and say so", async () => {
  const lost = channelIn(context, "eu-1", "lost");
  const well = channelIn(context, "us-1", "well");
  const alice = await cluster.connect("alice");
  await alice.sub(lost);
  await alice.sub(well);
  const before = await alice.pub(lost, "before");
  for (const process of processesOf("eu-1")) process.kill("SIGSTOP");
  for (let i = 0; i < 50; i++) await alice.pub(well, i);
  await killCell("eu-1");
  for (let i = 50; i < 100; i++) await alice.pub(well, i);
  await until("all of the well channel", () => alice.channel(well).received.length === 100);
  alice.channel(well).assertConsecutive();

  await directoryWhere(context, "eu-1 to be declared down", ({ cells }) =>
    cells.some(({ id, state }) => id === "eu-1" && state === "down"),
  );
  const answer = await until("the channel to open elsewhere", async () => {
    const published = await alice.ask({ op: "pub", ch: lost, data: "after" });
    return published.op === "ok" && published;
  });
  assert.notEqual(answer.epoch, before.epoch, "completeness can't be proven, so the epoch is another");
  await until("the reset", () => alice.channel(lost).resets.length === 1);
  await until("the message", () => alice.channel(lost).data.includes("after"));
  alice.channel(lost).assertConsecutive();
  const late = await cluster.connect("bob");
  const since = { epoch: before.epoch, seq: before.seq };
  assert.equal((await late.sub(lost, { since })).recovered, false);

  // The cell comes back, lets go of what is not its any more, and can be activated.
  await startCell("eu-1");
  await directoryWhere(context, "eu-1 to come back", ({ cells }) =>
    cells.some(({ id, state }) => id === "eu-1" && state === "drained"),
  );
  assert.equal((await operate(context, "activate", "eu-1")).state, "done");
  const back = await alice.pub(lost, "back");
  assert.equal(back.epoch, answer.epoch);
  await until("the message", () => alice.channel(lost).data.includes("back"));
  alice.channel(lost).assertConsecutive();
  assert.equal(alice.channel(lost).resets.length, 1);
});
