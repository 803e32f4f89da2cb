/** Whose lease counts as ended: not while Redis can't be asked, and not before everybody could renew after that. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, mock, test } from "node:test";
import { BOT_LEASE_MS } from "@plexus/protocol";
import type { NatsConnection } from "@plexus/runtime";
import { deferred, silent } from "@plexus/runtime/testing";
import type { Actor } from "./actor.js";
import type { Actors } from "./actors.js";
import { Leases } from "./leases.js";
import { LEASE_MS, type PresenceStore } from "./presence-store.js";

/** Of the event loop: more than what a sweep, or a word of the bus, takes. */
const TURNS = 10;

let isAway: boolean;
/** What the bus answers a ping with. */
let ping: () => Promise<number>;
let ended: string[];
let endedGateways: () => Promise<string[]>;
let endedBots: string[];
let forgotten: string[];
const expected = new Set<string>();
let present: Map<string, Actor[]>;
let leases: Leases;

async function* none(): AsyncGenerator<never> {
  yield* [];
}
/** What becomes of the connection to the bus. */
let statuses: PassThrough;

beforeEach(() => {
  statuses = new PassThrough({ objectMode: true });
  mock.timers.enable({ apis: ["setInterval", "setTimeout", "Date"], now: 1_000_000 });
  [isAway, ended, endedBots, forgotten] = [false, [], [], []];
  expected.clear();
  present = new Map();
  endedGateways = () => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(ended));
  const store = {
    endedGateways: () => endedGateways(),
    endedBots: () => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(endedBots)),
    heldBy: () => none(),
    expect: async (gateways: Iterable<string>) => {
      for (const gateway of gateways) expected.add(gateway);
    },
    forget: async (gateway: string) => void forgotten.push(gateway),
  };
  ping = async () => 1;
  const nats = {
    subscribe: () => ({ unsubscribe: () => undefined }),
    status: () => statuses,
    rtt: () => ping(),
  };
  leases = new Leases({
    nats: nats as unknown as NatsConnection,
    cell: "eu-1",
    store: store as unknown as PresenceStore,
    actors: { byGateway: () => present } as unknown as Actors,
    owns: () => true,
    log: silent,
    now: Date.now,
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
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
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

test("members whose gateway Redis has forgotten are seen to: their gateway is expected, and its end reaches them", async () => {
  const dropped: string[] = [];
  const actor = { dropGateway: async (gateway: string) => void dropped.push(gateway) };
  present.set("g1", [actor as unknown as Actor]);
  await pass(LEASE_MS + 5_000);
  assert.ok(expected.has("g1"));
  assert.equal(dropped.length, 0);
  ended = ["g1"];
  await pass(2_000);
  assert.ok(dropped.includes("g1"));
  assert.ok(forgotten.includes("g1"));
});

test("bots, which renew less often, get the time of one of their leases first", async () => {
  endedBots = ["bot/demo/b/chat.lobby"];
  await pass(BOT_LEASE_MS - 1_000);
  assert.deepEqual(forgotten, []);
  await pass(3_000);
  assert.ok((forgotten as string[]).includes("bot/demo/b/chat.lobby"));
});

/** Everybody renews within a lease, and then ends count again. */
async function assertGivesTime(): Promise<void> {
  await pass(LEASE_MS - 1_000);
  assert.equal(forgotten.length, 0, "not before everybody could renew");
  await pass(4_000);
  assert.ok(forgotten.includes("g1"), "and then ends count again");
}

test("a process that was paused reads what waited for it before it believes that a lease ended", async () => {
  await pass(LEASE_MS + 1_000);
  // While it stood still nobody renewed, and nothing was noticed of the time.
  mock.timers.setTime(Date.now() + 10_000);
  ended = ["g1"];
  await assertGivesTime();
});

test("while the bus hangs, which its connection does not tell for a while, no lease ends", async () => {
  await pass(LEASE_MS + 1_000);
  ping = () => new Promise(() => undefined);
  ended = ["g1"];
  await pass(3_000);
  assert.deepEqual(forgotten, []);
  ping = () => Promise.reject(new Error("closed"));
  await pass(3_000);
  ping = async () => 1;
  await assertGivesTime();
});

test("while the bus is away, and until everybody could renew after it, no lease ends", async () => {
  await pass(LEASE_MS + 1_000);
  statuses.write({ type: "disconnect" });
  await settled();
  ended = ["g1"];
  await pass(20_000);
  assert.deepEqual(forgotten, []);
  statuses.write({ type: "reconnect" });
  await settled();
  await assertGivesTime();
});

test("a bus that is lost while Redis is asked makes its answer worthless", async () => {
  await pass(LEASE_MS);
  const asked = deferred<string[]>();
  endedGateways = () => asked.promise;
  await pass(2_000);
  statuses.write({ type: "disconnect" });
  await settled();
  await pass(1_000);
  asked.resolve(["g1"]);
  await pass(2_000);
  assert.deepEqual(forgotten, []);
});
