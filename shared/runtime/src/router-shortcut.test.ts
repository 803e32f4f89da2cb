/** Commands that go straight to the worker that answers for their partitions, and what happens where it does not any more. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { type CommandKind, encodeAnswers, type WireAnswer, type WireCommand } from "./commands.js";
import type { Subscription } from "./nats.js";
import type { Router } from "./router.js";
import { answerHead, headOf, routersForFile } from "./testing/routers.js";

const PARTITIONS = "cmd.eu-1.*";
const WORKER = "cmd.eu-1.at.w1";
const CHANNELS = ["chat.1", "chat.2", "chat.3", "chat.4"];
const HEADS = CHANNELS.map(headOf);
/** Longer than the test may take: what is sent again only then does not arrive. */
const FOREVER_MS = 60_000;

const stage = routersForFile();
let router: Router;
/** Subjects of what came, and how many commands each brought. */
let received: Array<[subject: string, commands: number]>;

beforeEach(() => {
  received = [];
  router = stage.router({ deadlineMs: FOREVER_MS, attemptMs: FOREVER_MS });
});

const moved = ([id]: WireCommand): WireAnswer => [id, ["moved", "not mine", null], null];

/** `from`: what its answers say who gave them. */
async function serve(subject: string, from: string, answer = answerHead): Promise<Subscription> {
  const { subscription } = await stage.serve(subject, ({ message, commands }) => {
    received.push([message.subject, commands.length]);
    message.respond(encodeAnswers(commands.map(answer)), { reply: from });
  });
  return subscription;
}

const ask = (channel: string) => router.ask("head" satisfies CommandKind, "t", channel, { gateway: "g" });
const askAll = () => Promise.all(CHANNELS.map(ask));

/** Each partition has answered a moment ago. */
async function learn(): Promise<void> {
  await askAll();
  received = [];
}

test("what a turn has for all partitions of a worker that answers is one message", async () => {
  await serve(PARTITIONS, WORKER);
  await serve(WORKER, WORKER);
  await askAll();
  assert.ok(received.length > 1, "the first time each partition is asked");
  assert.ok(received.every(([subject]) => subject !== WORKER));
  received = [];
  await askAll();
  assert.deepEqual(received, [[WORKER, CHANNELS.length]]);
});

test("workers whose answers do not name them are asked by partition", async () => {
  await serve(PARTITIONS, "");
  await serve(WORKER, "");
  await learn();
  await askAll();
  assert.ok(received.every(([subject]) => subject !== WORKER));
});

test("where the worker is gone, whoever serves the partition is asked at once", async () => {
  await serve(PARTITIONS, WORKER);
  const worker = await serve(WORKER, WORKER);
  await learn();
  worker.unsubscribe();
  await stage.cells.flush();
  assert.deepEqual(await askAll(), HEADS);
  assert.ok(received.length > 1 && received.every(([subject]) => subject !== WORKER));
});

test("where the worker does not own the partitions any more, whoever does is asked at once", async () => {
  await serve(PARTITIONS, WORKER);
  await serve(WORKER, WORKER, moved);
  await learn();
  assert.deepEqual(await askAll(), HEADS);
  const [first, ...others] = received;
  assert.deepEqual(first, [WORKER, CHANNELS.length]);
  assert.ok(others.length > 1 && others.every(([subject]) => subject !== WORKER));
});
