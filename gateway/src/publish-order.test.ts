/** Publishes that the cell refuses after they were let in: nothing of the same connection overtakes them. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { type ErrorCode, type Limits, PlexusError, type ServerFrame } from "@plexus/protocol";
import { type Commands, Publisher, type Router } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import type { Identity } from "./auth/identity.js";
import { Connection, type Socket } from "./connection.js";
import { Operations, type OperationsContext } from "./operations.js";
import type { ConnectionRates } from "./rates.js";
import { Sessions } from "./session.js";

type Settle = Parameters<Router["send"]>[5];

const LIMITS = { frameBytes: 1_000, batch: 100, channels: 8, rewind: 10, history: 10, inFlight: 100 };
const MANY = { perSecond: 1_000, burst: 1_000 };
const RATES: ConnectionRates = {
  ...{ frames: MANY, publishes: MANY, signals: MANY, subscriptions: MANY, reads: MANY },
};
const RETRY_MS = 200;

let now: number;
/** Batches on their way to the actor. */
let batches: Array<{ ids: string[]; settle: Settle }>;
let stored: string[];
let sent: ServerFrame[];
let connection: Connection;
let sessions: Sessions;
let requests: number;

beforeEach(() => {
  [now, batches, stored, sent, requests] = [0, [], [], [], 0];
  mock.method(performance, "now", () => now);
  const send = (...[, , , body, , settle]: Parameters<Router["send"]>) => {
    const ids = (body as Commands["publish"]["ask"])[2].map(([, id]) => id);
    batches.push({ ids, settle: settle as Settle });
  };
  const tenants = {
    ...{ admitPublish: () => undefined, turn: () => 0 },
    ...{
      connected: () => undefined,
      disconnected: () => undefined,
      channels: (_: string, most: number) => most,
    },
  };
  const operations = new Operations({
    publisher: new Publisher({ send, flush: () => undefined } as unknown as Router),
    tenants,
    limits: LIMITS,
    tracer: { begin: () => undefined },
    flushLater: (those: Connection) => those.flush(),
  } as unknown as OperationsContext);
  sessions = new Sessions({
    ...{ operations, tenants, limits: LIMITS as Limits, rates: RATES, log: silent },
    ...{ verify: () => Promise.reject(new Error("unused")), gateway: "g1", pingMs: 1_000, maxReads: 2 },
    lifecycle: { connected: () => undefined, disconnected: () => undefined },
  });
  connection = new Connection("c1", "json", 0);
  const socket = { send: (text: string) => sent.push(...[JSON.parse(text)].flat()), end: () => undefined };
  connection.attach(socket as unknown as Socket);
  connection.identify({
    user: "u",
    tenant: "t",
    capabilities: { allows: () => true },
  } as unknown as Identity);
});

afterEach(() => mock.restoreAll());

/** Publishes, and resolves once what can be sent to the actor has been. */
async function publish(mid: string | undefined): Promise<void> {
  const bytes = Buffer.from(JSON.stringify({ op: "pub", id: ++requests, ch: "chat.a", data: 1, mid }));
  sessions.receive(connection, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), false);
  await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The actor answers the batch that is under way. */
async function answer(code?: ErrorCode): Promise<void> {
  const { ids, settle } = batches.shift()!;
  if (code !== undefined) settle(new PlexusError(code, "not now", { retry: RETRY_MS }), null);
  else {
    settle(null, ["e", stored.length + 1, 1]);
    stored.push(...ids);
  }
  await turn();
}

/** The last answers: `ok`, or the code of the error. */
function answers(): string[] {
  return sent.splice(0).map((frame) => (frame.op === "err" ? frame.code : frame.op));
}

for (const code of ["rate_limited", "unavailable", "timeout", "internal"] as const)
  test(`what left the client before it heard of "${code}" waits for what was sent before it`, async () => {
    for (const mid of ["m1", "m2"]) await publish(mid);
    await answer(code);
    assert.deepEqual([answers(), batches.length], [[code, code], 0], "m2 waited behind m1");
    await publish("m3");
    const behind = code === "rate_limited" ? code : "unavailable";
    assert.deepEqual([answers(), batches.length], [[behind], 0]);
    now += RETRY_MS;
    for (const mid of ["m1", "m2", "m3"]) await publish(mid);
    while (batches.length > 0) await answer();
    assert.deepEqual(
      [stored, answers()],
      [
        ["m1", "m2", "m3"],
        ["ok", "ok", "ok"],
      ],
    );
  });

test("one that is never repeated holds up the others for a while only, as often as the actor refuses", async () => {
  for (let round = 0; round < 3; round++) {
    await publish(`m${round}`);
    await answer("unavailable");
    now += RETRY_MS;
    await publish("other");
    assert.deepEqual(answers(), ["unavailable", "unavailable"]);
    now += RETRY_MS / 2 + 1_000;
  }
  await publish("last");
  await answer();
  assert.deepEqual(stored, ["last"]);
});

test("without an id: until it may be repeated, or not at all where it may be stored", async () => {
  await publish(undefined);
  await answer("unavailable");
  await publish("m2");
  assert.deepEqual(answers(), ["unavailable", "unavailable"]);
  now += RETRY_MS;
  await publish(undefined);
  await answer("timeout");
  await publish("m2");
  await answer();
  assert.deepEqual([answers(), stored], [["timeout", "ok"], ["m2"]]);
});
