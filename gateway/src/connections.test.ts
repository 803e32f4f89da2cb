/** Who is let in: a storm of clients comes in at the pace at which handshakes are done. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { readOptions } from "@plexus/runtime";
import { until } from "@plexus/runtime/testing";
import type { Identity } from "./auth/identity.js";
import { Connection, type Socket } from "./connection.js";
import { Connections } from "./connections.js";
import { rateOptions, ratesOf } from "./rate-options.js";

let connections: Connections;
let closed: string[];

beforeEach(() => {
  closed = [];
  connections = new Connections("g1", {
    maxConnections: 500,
    maxHandshakes: 50,
    helloMs: 10_000,
    slowReaderBytes: 1,
    clockToleranceMs: 0,
    rates: ratesOf({ ...readOptions(rateOptions, {}), maxChannels: 500 }),
  });
});
afterEach(() => connections.stop());

/** An upgrade at this time; null if it is refused. */
function arrive(now: number): Connection | null {
  if (connections.refusal(now) !== null) return null;
  const connection = new Connection(connections.nextId(), "json", now);
  const end = (code: number) => closed.push(`${connection.id} ${code}`);
  const socket = { send: () => 1, end, getBufferedAmount: () => 0 };
  connection.attach(socket as unknown as Socket);
  connections.add(connection);
  return connection;
}

function welcome(connection: Connection): void {
  connection.identify({ user: "u", tenant: "t" } as unknown as Identity);
}

test("400 clients at once: so many are in their handshake at a time, all others are told to come again, and all get in", () => {
  let outside = 400;
  for (let round = 0; outside > 0; round++) {
    assert.ok(round < 10, "somebody does not get in");
    const admitted: Connection[] = [];
    let refused = 0;
    for (let i = 0; i < outside; i++) {
      const connection = arrive(round);
      if (connection === null) refused++;
      else admitted.push(connection);
    }
    assert.ok(admitted.length <= 50);
    assert.equal(refused, outside - admitted.length);
    for (const connection of admitted) welcome(connection);
    outside = refused;
  }
  assert.equal(connections.size, 400);
  assert.deepEqual(closed, []);
});

test("sockets that say nothing make room for others before their time is over, the oldest first", () => {
  for (let i = 0; i < 50; i++) assert.ok(arrive(i));
  assert.equal(connections.refusal(100), "busy");
  const later = arrive(2_000);
  assert.ok(later);
  assert.deepEqual(closed, ["g1-1 4004"]);
});

test("the bound on connections stands beside it, and a gateway that drains takes nobody", () => {
  for (let i = 0; i < 500; i++) welcome(arrive(0)!);
  assert.equal(connections.refusal(0), "full");
  connections.draining = true;
  assert.equal(connections.refusal(0), "draining");
});

test("a gateway that stood still reads what came meanwhile before it says that nothing came", async () => {
  const [slow, silent] = [arrive(Date.now() - 9_900)!, arrive(Date.now() - 9_900)!];
  standStill(1_200);
  // Timers come first, then what lies in the sockets.
  await new Promise((resolve) => setTimeout(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(closed, []);
  welcome(slow);
  await until("the other one to be closed", () => closed.length > 0);
  assert.equal(closed[0], `${silent.id} 4004`);
  assert.equal(new Set(closed).size, 1);
});

function standStill(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}
