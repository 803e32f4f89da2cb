/** The directory in a real NATS server: changed by compare-and-set, seen by everybody, kept while the server is away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { CellEntry, Directory } from "./directory.js";
import { DirectoryStore } from "./directory-store.js";
import { checkNats } from "./nats.js";
import { natsForEachTest, silent, until } from "./testing/index.js";

const bus = natsForEachTest();

/** A store as a process of its own has it. */
async function open(): Promise<DirectoryStore> {
  const store = await DirectoryStore.open(await bus.connect(), silent);
  bus.atEnd(() => store.stop());
  return store;
}

function bucket(): Promise<KV> {
  return new Kvm(jetstream(bus.nats)).open("plexus");
}

function cell(id: string): CellEntry {
  return { id, region: "eu", state: "active", weight: 1 };
}

function adding(id: string): (directory: Directory) => Directory {
  return ({ version, cells }) => ({ version: version + 1, cells: [...cells, cell(id)] });
}

function idsOf({ current }: DirectoryStore): string {
  return current.cells
    .map(({ id }) => id)
    .sort()
    .join();
}

test("in the beginning there is nothing; a change is returned, and seen by everybody", async () => {
  const [one, two] = [await open(), await open()];
  assert.deepEqual(one.current, { version: 0, cells: [] });
  const changed = await one.change(adding("eu-1"));
  assert.deepEqual(changed, { version: 1, cells: [cell("eu-1")] });
  await until("both see it", () => idsOf(one) === "eu-1" && idsOf(two) === "eu-1");
  assert.equal(idsOf(await open()), "eu-1", "who comes later has it at once");
});

test("of writers at the same time none overwrites another", async () => {
  const writers = await Promise.all(Array.from({ length: 5 }, open));
  const changes = writers.flatMap((store, i) => [
    store.change(adding(`a${i}`)),
    store.change(adding(`b${i}`)),
  ]);
  await Promise.all(changes);
  const all = "a0,a1,a2,a3,a4,b0,b1,b2,b3,b4";
  await until("all see all", () => writers.every((store) => idsOf(store) === all));
  assert.equal(writers[0]?.current.version, 10);
});

test("two writers that go on and on lose no change", async () => {
  const [one, two] = [await open(), await open()];
  const write = async (store: DirectoryStore, name: string) => {
    for (let i = 0; i < 20; i++) await store.change(adding(`${name}${i}`));
  };
  await Promise.all([write(one, "a"), write(two, "b")]);
  await until("both see all", () => [one, two].every((store) => store.current.version === 40));
  assert.equal(one.current.cells.length, 40);
});

test("whoever listens hears of every version once, in order, until it stops to listen", async () => {
  const [one, two] = [await open(), await open()];
  const heard: number[] = [];
  const stop = two.onChange(({ version }) => heard.push(version));
  for (const id of ["a", "b", "c"]) {
    await one.change(adding(id));
    await until("it is heard", () => two.current.version === one.current.version && heard.length > 0);
  }
  await until("all are heard", () => two.current.version === 3);
  assert.deepEqual(heard, [1, 2, 3]);
  stop();
  await one.change(adding("d"));
  await until("it is seen", () => two.current.version === 4);
  assert.equal(heard.length, 3);
});

test("a change that returns its argument writes nothing; one that throws neither, and says why", async () => {
  const store = await open();
  await store.change(adding("eu-1"));
  const { revision } = (await (await bucket()).get("directory"))!;
  assert.equal((await store.change((directory) => directory)).version, 1);
  await assert.rejects(
    store.change(() => {
      throw new Error("no");
    }),
    /no/,
  );
  assert.equal((await (await bucket()).get("directory"))?.revision, revision);
});

test("it can be read at once, rather than waiting for the watch", async () => {
  const [one, two] = [await open(), await open()];
  await one.change(adding("eu-1"));
  assert.equal((await two.refresh()).version, 1);
});

test("something malformed is not taken; the last one stays, and the next right one is seen", async () => {
  const store = await open();
  await store.change(adding("eu-1"));
  await until("it is seen", () => idsOf(store) === "eu-1");
  const kv = await bucket();
  for (const text of ['{"version":2}', '{"version":3,"cells":[{"id":7}]}', "{", "null"])
    await kv.put("directory", text);
  const right = { version: 9, cells: [cell("us-1")] };
  await kv.put("directory", JSON.stringify(right));
  await until("the right one is seen", () => store.current.version === 9);
  assert.deepEqual(store.current, right);
});

test("an older version than what is known is not taken", async () => {
  const store = await open();
  for (const id of ["a", "b"]) await store.change(adding(id));
  await until("both are seen", () => store.current.version === 2);
  const heard: number[] = [];
  store.onChange(({ version }) => heard.push(version));
  const kv = await bucket();
  await kv.put("directory", JSON.stringify({ version: 1, cells: [] }));
  await kv.put("directory", JSON.stringify({ version: 3, cells: [] }));
  await until("the newer one is seen", () => store.current.version === 3);
  assert.deepEqual(heard, [3]);
});

test("while the server is away what is known stays; when it is back, changes are seen again", async () => {
  const [one, two] = [await open(), await open()];
  await one.change(adding("eu-1"));
  await until("both see it", () => idsOf(one) === "eu-1" && idsOf(two) === "eu-1");
  await bus.broker.kill();
  await until("the server is gone", async () => (await checkNats(bus.nats, 100)) !== undefined);
  assert.deepEqual([idsOf(one), idsOf(two)], ["eu-1", "eu-1"]);
  await bus.broker.restart();
  await until("it can be changed again", () => one.change(adding("us-1")).then(() => true), 20_000);
  await until("both see the change", () => idsOf(one) === "eu-1,us-1" && idsOf(two) === "eu-1,us-1", 20_000);
});
