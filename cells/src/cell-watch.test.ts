/** When a cell is given up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { subjects } from "@plexus/protocol";
import type { CellState, Directory, DirectoryStore, NatsConnection, OperationStore } from "@plexus/runtime";
import { silent, until } from "@plexus/runtime/testing";
import { CellWatch } from "./cell-watch.js";

const GRACE_MS = 1_000;

test("a cell that is back gets all of its grace: what it was silent before does not count", async (t) => {
  let current: Directory = {
    version: 1,
    cells: ["a", "b"].map((id) => ({ id, region: "r", weight: 1, state: "active" as const })),
  };
  const stateOf = (id: string) => current.cells.find((cell) => cell.id === id)?.state;
  const set = (state: CellState) => {
    const cells = current.cells.map((cell) => (cell.id === "b" ? { ...cell, state } : cell));
    current = { ...current, cells, operation: null, previous: [], version: current.version + 1 };
  };
  const directory = {
    get current() {
      return current;
    },
    change: async (change: (directory: Directory) => Directory) => {
      current = change(current);
      return current;
    },
  };
  const operations = { create: async (id: string) => ({ id }), change: async () => null };
  let asked = { a: 0, b: 0 };
  const nats = {
    request: async (subject: string) => {
      const cell = subject === subjects.ping("b") ? "b" : "a";
      asked[cell]++;
      if (cell === "b") throw new Error("nobody is there");
    },
  };
  const watch = new CellWatch({
    nats: nats as unknown as NatsConnection,
    cell: "a",
    directory: directory as unknown as DirectoryStore,
    operations: operations as unknown as OperationStore,
    graceMs: GRACE_MS,
    log: silent,
    isLeader: () => true,
  });
  t.after(() => watch.stop());

  await until("it to be given up", () => stateOf("b") === "down");
  set("drained");
  asked = { a: 0, b: 0 };
  await until("two rounds without it", () => asked.a >= 2);
  assert.equal(asked.b, 0, "one that is drained may be switched off");
  set("active");
  await until("it to be given up again", () => stateOf("b") === "down");
  assert.ok(asked.b >= 2, `after ${asked.b} questions: one of them proves nothing`);
});
