/** One operation for each return of a cell, whichever of its workers sees to it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { OperationStore } from "@plexus/runtime";
import { natsForFile, silent } from "@plexus/runtime/testing";
import { ReturnOperation } from "./return-operation.js";

const bus = natsForFile();

test("another worker goes on with what one began, and ends what one could not; the next return is another", async () => {
  const operations = await OperationStore.open(bus.nats, silent);
  const [first, second, third] = [1, 2, 3].map(() => new ReturnOperation("eu-1", operations));
  const id = await first!.open(7);
  assert.equal(await first!.open(8), id);
  assert.equal(await second!.open(8), id);
  assert.notEqual(await new ReturnOperation("us-1", operations).open(8), id);
  await third!.end();
  const { state, kind, cell, version } = (await operations.get(id))!;
  assert.deepEqual([state, kind, cell, version], ["done", "return", "eu-1", 7]);
  assert.notEqual(await first!.open(9), id);
  await first!.end();
  assert.equal(first!.id, null);
  assert.equal((await operations.list(10)).filter(({ state }) => state === "running").length, 1);
});
