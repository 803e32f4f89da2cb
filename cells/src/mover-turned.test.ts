/** An operation that is replaced at the worst moment: between a mover's look at the directory and its work. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { activate, DirectoryStore, drain, OperationStore, startOperation, withCell } from "@plexus/runtime";
import { natsForFile, silent, until } from "@plexus/runtime/testing";
import { Mover } from "./mover.js";
import { MemoryLog } from "./testing/memory-log.js";

const bus = natsForFile();
const CELLS = ["eu-1", "us-1"];

test("a drain that is turned around while a mover looks it up: neither of the two stays under way", async () => {
  const directory = await DirectoryStore.open(bus.nats, silent);
  bus.atEnd(() => directory.stop());
  for (const id of CELLS) await directory.change((current) => withCell(current, id, "eu"));
  await directory.change((current) => ({
    ...current,
    version: current.version + 1,
    cells: current.cells.map((cell) => ({ ...cell, state: "active" as const })),
  }));
  const operations = await OperationStore.open(bus.nats, silent);
  const begin = (kind: "drain" | "activate", change: typeof drain) =>
    startOperation({ operations, directory, kind, cell: "eu-1", change });

  let turned: string | undefined;
  const turning = new Proxy(operations, {
    get(store, name) {
      if (name !== "get") return Reflect.get(store, name).bind(store);
      return async (id: string) => {
        const found = await store.get(id);
        if (turned === undefined) {
          turned = "";
          const { id: next } = await begin("activate", activate);
          await until("the mover's process sees it", () => directory.current.operation === next);
          turned = next;
        }
        return found;
      };
    },
  });
  const drained = await begin("drain", drain);
  const logs = new Map(CELLS.map((cell) => [cell, new MemoryLog()]));
  for (const cell of CELLS) {
    const mover = new Mover({
      cell,
      directory,
      operations: cell === "eu-1" ? turning : operations,
      log: logs.get(cell)!,
      logOf: async (id) => logs.get(id)!,
      logger: silent,
      mirror: null,
      parkAfterMs: 60_000,
      options: { movesPerSecond: 1_000, concurrentMoves: 4 },
      isLeader: () => true,
      open: async () => undefined,
      seal: async () => undefined,
    });
    bus.atEnd(() => mover.stop());
  }
  await until("the turn", () => turned);
  await until("the activation to end", async () => (await operations.get(turned!))?.state === "done");
  await until("the directory to have none", () => directory.current.operation === null);
  assert.equal((await operations.get(drained.id))?.state, "superseded");
  assert.deepEqual(
    directory.current.cells.map(({ state }) => state),
    ["active", "active"],
  );
});
