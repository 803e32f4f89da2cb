/** Work that fails for too long waits where an operator sees it, and is run again when the operator says so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Admin, cli, type Json } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

// Nobody declares the frozen cell down, and a second without progress is long enough.
const workerEnv = { PLEXUS_PARK_AFTER_MS: "1000", PLEXUS_CELL_GRACE_MS: "600000" };
const cluster = clusterForFile({ admin: true, cells: ["eu-1", "us-1"], workers: 1, workerEnv }, () =>
  until("both cells to be active", async () => {
    const { cells, operation } = await admin.get<{ cells: Json[]; operation?: Json }>("/v1/cells");
    return operation === undefined && cells.length === 2 && cells.every(({ state }) => state === "active");
  }).then(() => undefined),
);
const admin = new Admin(cluster);

async function parkedAs(found: () => Promise<Json | undefined>): Promise<Json> {
  return until(
    "the operation to be parked",
    async () => {
      const operation = await found();
      return operation?.state === "parked" && operation;
    },
    90_000,
  );
}

test("a drain whose channels can't get anywhere is parked with the reason, and goes on when it is run again", async () => {
  const alice = await cluster.connect("alice");
  for (let i = 0; i < 8; i++) await alice.pub(`chat.parked-${i}`, i);
  const home = cluster.process("eu-1-w1");
  home.kill("SIGSTOP");
  let id = "";
  try {
    const { operation } = await admin.post<{ operation: { id: string } }>("/v1/cells/us-1/drain");
    id = operation.id;
    await admin.refused("conflict", 409, "POST", `/v1/operations/${id}/retry`);
    const parked = await parkedAs(() => admin.get<Json>(`/v1/operations/${id}`));
    assert.match(String(parked.error), /^us-1: channels that can't be moved/);
    const shown = await cli(cluster, "ops", id);
    assert.equal(shown.code, 1);
    assert.match(shown.out, /is parked.*plexus ops .* retry/);
    const { operations } = await admin.get<{ operations: Json[] }>("/v1/operations");
    assert.equal(operations.find((operation) => operation.id === id)?.state, "parked");
  } finally {
    home.kill("SIGCONT");
  }
  const again = await cli(cluster, "ops", id, "retry", "--follow");
  assert.equal(again.code, 0, again.out + again.err);
  assert.match(again.out, /drain us-1 is done/);
  for (let i = 0; i < 8; i++) assert.equal((await alice.pub(`chat.parked-${i}`, "on")).seq, 2);
});

test("what a cell that was given up and is back can't let go of is seen, parked, and goes on when it is run again", async () => {
  const { operation } = await admin.post<{ operation: { id: string } }>("/v1/cells/us-1/activate");
  await admin.finished(operation.id);
  const alice = await cluster.connect("alice");
  for (let i = 0; i < 8; i++) await alice.pub(`chat.back-${i}`, i);
  const home = cluster.process("eu-1-w1");
  const returning = async () =>
    (await admin.get<{ operations: Json[] }>("/v1/operations")).operations.find(
      ({ kind }) => kind === "return",
    );
  home.kill("SIGSTOP");
  let id = "";
  try {
    await admin.post("/v1/cells/us-1/down");
    const parked = await parkedAs(returning);
    id = String(parked.id);
    assert.equal(parked.cell, "us-1");
    assert.match(String(parked.error), /^us-1: channels that can't be moved/);
  } finally {
    home.kill("SIGCONT");
  }
  const again = await cli(cluster, "ops", id, "retry", "--follow");
  assert.equal(again.code, 0, again.out + again.err);
  await until("the cell to be back", async () => {
    const { cells } = await admin.get<{ cells: Json[] }>("/v1/cells");
    return cells.find((cell) => cell.id === "us-1")?.state === "drained";
  });
  for (let i = 0; i < 8; i++) assert.equal((await alice.pub(`chat.back-${i}`, "on")).seq, 2);
});
