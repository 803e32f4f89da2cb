/** Whose lease counts as ended: not while Redis can't be asked, and not before everybody could renew after that. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import type { NatsConnection } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import type { Actors } from "./actors.js";
import { Leases } from "./leases.js";
import { LEASE_MS, type PresenceStore } from "./presence-store.js";

let isAway: boolean;
let ended: string[];
let forgotten: string[];
let leases: Leases;

async function* none(): AsyncGenerator<never> {
  yield* [];
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setInterval", "Date"], now: 1_000_000 });
  [isAway, ended, forgotten] = [false, [], []];
  const store = {
    endedGateways: () => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(ended)),
    heldBy: () => none(),
    forget: async (gateway: string) => void forgotten.push(gateway),
  };
  const nats = { subscribe: () => ({ unsubscribe: () => undefined }), status: () => none() };
  leases = new Leases({
    nats: nats as unknown as NatsConnection,
    cell: "eu-1",
    store: store as unknown as PresenceStore,
    actors: {} as Actors,
    owns: () => true,
    log: silent,
  });
});
afterEach(() => {
  leases.stop();
  mock.timers.reset();
});

/** Lets so much time pass, second by second, and what it sets off happen. */
async function pass(ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 1_000) {
    mock.timers.tick(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a lease that ended is noticed within a second or two", async () => {
  await pass(LEASE_MS);
  ended = ["g1"];
  await pass(2_000);
  assert.deepEqual(new Set(forgotten), new Set(["g1"]));
});

test("leases that ended while Redis was away are believed only after all gateways could renew theirs", async () => {
  await pass(LEASE_MS + 1_000);
  isAway = true;
  await pass(10_000);
  [isAway, ended] = [false, ["g1"]];
  await pass(2_000);
  assert.equal(forgotten.length, 0);
  // As they do every 2 s.
  ended = [];
  await pass(LEASE_MS);
  assert.equal(forgotten.length, 0, "it had renewed meanwhile");
  ended = ["g2"];
  await pass(2_000);
  assert.ok(forgotten.includes("g2"), "and then ends count again");
});
