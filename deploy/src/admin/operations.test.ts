/** Operations whose end nobody could write down any more, in a real NATS server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type OperationKind, OperationStore } from "@plexus/runtime";
import { natsForFile, silent } from "@plexus/runtime/testing";
import { Operations } from "./operations.js";

const bus = natsForFile();
const MINUTE_MS = 60_000;

test("an operation that the directory no longer knows has ended, whoever was killed before saying so", async () => {
  const store = await OperationStore.open(bus.nats, silent);
  const underWay = { operation: null as string | null };
  let meanwhile = async () => undefined as unknown;
  const refresh = async () => {
    await meanwhile();
    return { version: 9, cells: [], ...underWay };
  };
  const directory = { refresh };
  const operations = new Operations(store, directory, { hasOperation: () => true });
  const begin = async (kind: OperationKind, ageMs: number, done: boolean[]) => {
    const id = OperationStore.newId(kind, Date.now());
    await store.create(id, kind, "eu-1", 1, Date.now() - ageMs);
    const progress = Object.fromEntries(done.map((done, i) => [`c${i}`, { moved: 1, total: 1, done }]));
    await store.change(id, (operation) => ({ ...operation, progress }));
    return id;
  };
  const stateOf = async (id: string) => (await operations.get(id)).state;

  const [finished, replaced, unheard, young, back, gateway] = [
    await begin("drain", 2 * MINUTE_MS, [true, true]),
    await begin("drain", 2 * MINUTE_MS, [true, false]),
    await begin("weight", 2 * MINUTE_MS, []),
    await begin("drain", MINUTE_MS / 2, [true]),
    await begin("return", 2 * MINUTE_MS, [true]),
    await begin("gateway-drain", 2 * MINUTE_MS, []),
  ] as const;
  underWay.operation = finished;
  assert.equal(await stateOf(finished), "running", "the directory has it");
  underWay.operation = null;
  assert.equal(await stateOf(finished), "done");
  assert.equal(await stateOf(replaced), "superseded");
  assert.equal(await stateOf(unheard), "superseded");
  for (const id of [young, back, gateway]) assert.equal(await stateOf(id), "running", id);
  const written = (await store.get(finished))!;
  assert.equal(written.state, "done");
  assert.ok(written.finishedAt! >= written.startedAt);
  const listed = new Map((await operations.list()).map(({ id, state }) => [id, state]));
  assert.equal(listed.get(replaced), "superseded");

  const ending = await begin("drain", 2 * MINUTE_MS, [false]);
  // Its last part is written down, and the directory changed, after the operation was read.
  meanwhile = () => {
    const progress = { c0: { moved: 1, total: 1, done: true } };
    return store.change(ending, (operation) => ({ ...operation, progress }));
  };
  assert.equal(await stateOf(ending), "done");
});
