/** Answers on their way back: those of one turn together, none too large for the bus. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setImmediate as endOfTurn } from "node:timers/promises";
import { decodeAnswers, type NatsConnection } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import { Outbox } from "./outbox.js";

/** The broker's bound on one message. */
const MAX_PAYLOAD = 1024 * 1024;

let sent: Array<{ subject: string; bytes: Uint8Array }> = [];
let from: string[] = [];
let outbox: Outbox;

beforeEach(() => {
  sent = [];
  from = [];
  const nats = {
    publish(subject: string, bytes: Uint8Array, { reply }: { reply: string }) {
      from.push(reply);
      if (bytes.length > MAX_PAYLOAD) throw new Error("maximum payload exceeded");
      sent.push({ subject, bytes });
    },
  };
  outbox = new Outbox(nats as unknown as NatsConnection, "cmd.eu-1.at.w1", silent);
});

function correlations(): Array<[subject: string, correlations: number[]]> {
  return sent.map(({ subject, bytes }) => [
    subject,
    decodeAnswers(bytes).map(([correlation]) => correlation),
  ]);
}

test("the answers of one turn are one message per asker, in order", async () => {
  outbox.answer({ reply: "ans.g1.1", correlation: 1, at: 0 }, null, ["e", 1, 2]);
  outbox.answer({ reply: "ans.g2.1", correlation: 9, at: 0 }, ["moved", "ask again", null], null);
  outbox.answer({ reply: "ans.g1.1", correlation: 2, at: 0 }, null, null);
  assert.equal(sent.length, 0);
  await endOfTurn();
  assert.deepEqual(correlations(), [
    ["ans.g1.1", [1, 2]],
    ["ans.g2.1", [9]],
  ]);
  assert.deepEqual(decodeAnswers(sent[0]!.bytes)[0], [1, null, ["e", 1, 2]]);
  assert.deepEqual(decodeAnswers(sent[1]!.bytes)[0], [9, ["moved", "ask again", null], null]);
});

test("answers to several of an asker's messages are one message", async () => {
  outbox.answer({ reply: "ans.g1.1", correlation: 1, at: 0 }, null, null);
  outbox.answer({ reply: "ans.g1.2", correlation: 2, at: 0 }, null, null);
  outbox.answer({ reply: "ans.g10.1", correlation: 3, at: 0 }, null, null);
  await endOfTurn();
  assert.deepEqual(correlations(), [
    ["ans.g1.1", [1, 2]],
    ["ans.g10.1", [3]],
  ]);
});

test("the next turn is another message", async () => {
  const asker = { reply: "ans.g1.1", correlation: 1, at: 0 };
  outbox.answer(asker, null, null);
  await endOfTurn();
  outbox.answer({ ...asker, correlation: 2 }, null, null);
  await endOfTurn();
  assert.deepEqual(correlations(), [
    ["ans.g1.1", [1]],
    ["ans.g1.1", [2]],
  ]);
});

const KB = 1024;
const members = Array.from({ length: 60 }, (_, i) => ({ conn: `c${i}`, state: "é".repeat(2 * KB) }));
const ids = Array.from({ length: 2_000 }, (_, i) => [`${i}`.padEnd(100, "x"), "ann", i, i]);
const LARGE = {
  // As much as one answer may hold.
  records: { records: [new Uint8Array(512 * KB)] },
  members: { version: ["life", 1], members, next: null, stale: false },
  heads: { heads: Array.from({ length: 4_000 }, () => ["e".repeat(64), 2 ** 40, ["lifetime", 2 ** 31], 9]) },
  handover: { elsewhere: null, handover: { ids, tail: [new Uint8Array(250 * KB)] } },
};

for (const [what, body] of Object.entries(LARGE)) {
  test(`answers that are large together go in several messages, and all arrive: ${what}`, async () => {
    for (let correlation = 1; correlation <= 7; correlation++)
      outbox.answer({ reply: "ans.g1.1", correlation, at: 0 }, null, body);
    await endOfTurn();
    assert.deepEqual(
      correlations().flatMap(([, each]) => each),
      [1, 2, 3, 4, 5, 6, 7],
    );
  });
}

test("flushing sends at once, and nothing twice", async () => {
  outbox.answer({ reply: "ans.g1.1", correlation: 1, at: 0 }, null, null);
  outbox.flush();
  assert.equal(sent.length, 1);
  await endOfTurn();
  assert.equal(sent.length, 1);
});

test("an answer says under which subject the worker can be asked itself", async () => {
  outbox.answer({ reply: "ans.g1.1", correlation: 1, at: 0 }, null, null);
  await endOfTurn();
  assert.deepEqual(from, ["cmd.eu-1.at.w1"]);
});
