import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import { Connection, type Socket } from "./connection.js";
import { Connections } from "./connections.js";
import { drainToStop, dueAfter, shuffled, stopPace } from "./drain.js";
import { rateOptions, ratesOf } from "./rate-options.js";

test("connections become due at the given pace", () => {
  assert.equal(dueAfter(0, 200), 0);
  assert.equal(dueAfter(50, 200), 10);
  assert.equal(dueAfter(1_000, 200), 200);
  assert.equal(dueAfter(49, 10), 0);
});

test("the order is random, and holds everybody once", () => {
  const everybody = [1, 2, 3, 4, 5];
  const draws = [0.9, 0.1, 0.5, 0.3];
  const order = shuffled(everybody, () => draws.pop() ?? 0);
  assert.deepEqual([...order].sort(), everybody);
  assert.notDeepEqual(order, everybody);
  assert.deepEqual(everybody, [1, 2, 3, 4, 5]);
});

test("a gateway that is stopped keeps the pace of a drain if there is time, and is quick where there are few", () => {
  const pace = (count: number, withinMs: number) =>
    stopPace(count, { perSecond: 200, graceMs: 6_000, withinMs });
  assert.equal(pace(0, 15_000), 1_000);
  assert.equal(pace(300, 15_000), 1_000, "few");
  assert.equal(pace(301, 15_000), 200, "in 1.5 s");
  assert.equal(pace(20_000, 120_000), 200, "in 100 s");
  assert.equal(pace(50_000, 120_000), 468, "in the 107 s that there are");
  assert.equal(pace(20_000, 15_000), 10_000, "in 2 s");
  assert.equal(pace(20_000, 0), 13_334, "never in less than 1.5 s");
});

test("connections of a gateway that is stopped are told to go at that pace, not all at once", async (t) => {
  const rates = ratesOf({ ...readOptions(rateOptions, {}), maxChannels: 500 });
  const bounds = { maxConnections: 1_000, maxHandshakes: 1_000, helloMs: 60_000 };
  const connections = new Connections("g1", { ...bounds, slowReaderBytes: 1, clockToleranceMs: 0, rates });
  t.after(() => connections.stop());
  const perSecond = 400;
  const count = 700;
  const startedAt = performance.now();
  let told = 0;
  for (let i = 0; i < count; i++) {
    const connection = new Connection(connections.nextId(), "json", Date.now());
    const send = () => assert.ok(++told <= dueAfter(performance.now() - startedAt, perSecond), `${told}`);
    const socket = { send, end: () => connections.remove(connection) };
    connection.attach(socket as unknown as Socket);
    connections.add(connection);
  }
  await drainToStop(connections, { perSecond, graceMs: 0, withinMs: 60_000 }, silent);
  assert.deepEqual([told, connections.size], [count, 0]);
});
