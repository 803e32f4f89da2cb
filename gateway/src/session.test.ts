/** How much one connection may ask for at once: requests that bring pages have a bound of their own. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Limits, ServerFrame } from "@plexus/protocol";
import { deferred, silent, until } from "@plexus/runtime/testing";
import type { Identity } from "./auth/identity.js";
import { Connection, type Socket } from "./connection.js";
import type { Operations } from "./operations.js";
import type { ConnectionRates } from "./rates.js";
import { Sessions } from "./session.js";

const LIMITS: Limits = { frameBytes: 1_000, batch: 100, channels: 8, rewind: 10, history: 10, inFlight: 5 };
const MANY = { perSecond: 1_000, burst: 1_000 };
const RATES: ConnectionRates = {
  frames: { perSecond: 1, burst: 12 },
  publishes: MANY,
  signals: MANY,
  subscriptions: MANY,
  reads: { perSecond: 1, burst: 5 },
};

const IDENTITY = { user: "u", tenant: "t" } as unknown as Identity;

let sent: ServerFrame[];
/** Requests under way, to be ended by the test. */
let underWay: Array<() => void>;
let connection: Connection;
let sessions: Sessions;

beforeEach(async () => {
  [sent, underWay] = [[], []];
  const operation = () => {
    const { promise, resolve } = deferred();
    underWay.push(resolve);
    return promise;
  };
  const operations = { history: operation, presence: operation, subscribe: operation };
  sessions = new Sessions({
    operations: operations as unknown as Operations,
    verify: (token) => (token === "never" ? new Promise(() => undefined) : Promise.resolve(IDENTITY)),
    limits: LIMITS,
    gateway: "g1",
    pingMs: 1_000,
    maxReads: 2,
    rates: RATES,
    tenants: {
      connected: () => undefined,
      disconnected: () => undefined,
      channels: (_, most) => most,
      turn: () => 0,
    },
    lifecycle: { connected: () => undefined, disconnected: () => undefined },
    log: silent,
  });
  connection = new Connection("c1", "json", 0);
  const socket = { send: (text: string) => sent.push(JSON.parse(text) as ServerFrame), end: () => undefined };
  connection.attach(socket as unknown as Socket);
  receive({ op: "hello", id: 1, token: "x" });
  await until("the welcome", () => sent.length === 1);
  sent = [];
});

function receive(frame: object): void {
  const bytes = Buffer.from(JSON.stringify(frame));
  sessions.receive(connection, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), false);
}

function refusals(): Array<[id: number | undefined, code: string, retry: number | undefined]> {
  return sent.flatMap((frame) => (frame.op === "err" ? [[frame.id, frame.code, frame.retry] as const] : []));
}

test("so many reads of a connection are under way; the next is told to come back, and other requests are not", async () => {
  receive({ op: "history", id: 2, ch: "chat.a" });
  receive({ op: "presence", id: 3, ch: "chat.a" });
  receive({ op: "history", id: 4, ch: "chat.a" });
  receive({ op: "presence", id: 5, ch: "chat.a" });
  receive({ op: "sub", id: 6, ch: "chat.a" });
  assert.deepEqual(refusals(), [
    [4, "rate_limited", 100],
    [5, "rate_limited", 100],
  ]);
  assert.equal(underWay.length, 3);
  underWay[0]!();
  await until("its place is free", () => connection.reads === 1);
  receive({ op: "history", id: 7, ch: "chat.a" });
  assert.equal(underWay.length, 4);
});

test("all requests together have a bound too", () => {
  for (let id = 2; id <= 8; id++) receive({ op: "sub", id, ch: `chat.${id}` });
  assert.deepEqual(
    refusals().map(([id]) => id),
    [7, 8],
  );
});

test("too many of a kind, and too many frames of any kind: told when to come back, and not carried out", () => {
  const read = (id: number) => receive({ op: id % 2 === 0 ? "history" : "presence", id, ch: "chat.a" });
  // Refused for being too many under way, they count all the same.
  for (let id = 2; id <= 8; id++) read(id);
  const [first, second] = refusals().slice(3);
  assert.deepEqual(
    [first?.slice(0, 2), second?.slice(0, 2)],
    [
      [7, "rate_limited"],
      [8, "rate_limited"],
    ],
  );
  assert.ok(first![2]! > 900 && first![2]! <= 1_000, "one token a second");
  assert.ok(second![2]! > 1_900 && second![2]! <= 2_000, "the next turn");
  for (let id = 9; id <= 11; id++) receive({ op: "sub", id, ch: `chat.${id}` });
  assert.deepEqual(refusals().slice(5), [], "with hello, twelve frames");
  for (const op of ["ping", "ping"]) receive({ op });
  const [last] = refusals().slice(5);
  assert.deepEqual(last?.slice(0, 2), [undefined, "rate_limited"]);
  assert.equal(sent.filter(({ op }) => op === "pong").length, 1);
});

test("what comes while the token is looked at is bounded in bytes", () => {
  const closed: number[] = [];
  connection = new Connection("c2", "json", 0);
  const socket = { send: () => 1, end: (code: number) => closed.push(code) };
  connection.attach(socket as unknown as Socket);
  receive({ op: "hello", id: 1, token: "never" });
  for (let i = 0; i < 4; i++) receive({ op: "ping", filler: "x".repeat(250_000) });
  assert.deepEqual(closed, []);
  receive({ op: "ping", filler: "x".repeat(250_000) });
  assert.deepEqual(closed, [4503]);
});
