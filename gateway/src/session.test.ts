/** How much one connection may ask for at once: requests that bring pages have a bound of their own. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Limits, ServerFrame } from "@plexus/protocol";
import { deferred, silent, until } from "@plexus/runtime/testing";
import type { Identity } from "./auth.js";
import { Connection, type Socket } from "./connection.js";
import type { Operations } from "./operations.js";
import { Sessions } from "./session.js";

const LIMITS: Limits = { frameBytes: 1_000, batch: 100, channels: 8, rewind: 10, history: 10, inFlight: 5 };

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
    verify: async () => ({ user: "u", tenant: "t" }) as unknown as Identity,
    limits: LIMITS,
    gateway: "g1",
    pingMs: 1_000,
    maxReads: 2,
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
