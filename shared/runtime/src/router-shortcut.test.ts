/** Commands that go straight to the worker that answers for their partitions, and what happens where it does not any more. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { type CommandKind, decodeCommands, encodeAnswers, type WireAnswer } from "./commands.js";
import type { Directory } from "./directory.js";
import type { DirectoryStore } from "./directory-store.js";
import { connectNats, type Msg, type NatsConnection, type Subscription } from "./nats.js";
import { Router } from "./router.js";
import { type Broker, silent, startNats } from "./testing/index.js";

const DIRECTORY: Directory = {
  version: 1,
  cells: [{ id: "eu-1", region: "eu", state: "active", weight: 1 }],
};
const PARTITIONS = "cmd.eu-1.*";
const WORKER = "cmd.eu-1.at.w1";
const HEAD = { head: { epoch: "e", seq: 7 }, presence: null, members: 0 };
const CHANNELS = ["chat.1", "chat.2", "chat.3", "chat.4"];
/** Longer than the test may take: what is sent again only then does not arrive. */
const FOREVER_MS = 60_000;

let broker: Broker;
let nats: NatsConnection;
let cell: NatsConnection;
let router: Router;
/** Subjects of what came, and how many commands each brought. */
let received: Array<[subject: string, commands: number]>;
let subscriptions: Subscription[];
let routers = 0;

before(async () => {
  broker = await startNats();
  nats = await connectNats(broker.url, "router", silent);
  cell = await connectNats(broker.url, "cell", silent);
});
after(async () => {
  await nats.close();
  await cell.close();
  await broker.stop();
});
beforeEach(() => {
  [received, subscriptions] = [[], []];
  const directory = { current: DIRECTORY } as unknown as DirectoryStore;
  const options = { deadlineMs: FOREVER_MS, attemptMs: FOREVER_MS };
  router = new Router({ nats, directory, asker: `s${++routers}`, log: silent, options });
});
afterEach(async () => {
  router.stop();
  for (const subscription of subscriptions) subscription.unsubscribe();
  await cell.flush();
});

const answered = (id: number): WireAnswer => [id, null, HEAD];
const moved = (id: number): WireAnswer => [id, ["moved", "not mine", null], null];

/** `from`: what its answers say who gave them. */
async function serve(subject: string, from: string, answer = answered): Promise<Subscription> {
  const callback = (_: Error | null, message: Msg) => {
    const commands = decodeCommands(message.data);
    received.push([message.subject, commands.length]);
    message.respond(encodeAnswers(commands.map(([id]) => answer(id))), { reply: from });
  };
  const subscription = cell.subscribe(subject, { callback });
  subscriptions.push(subscription);
  await cell.flush();
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
  await cell.flush();
  assert.deepEqual(await askAll(), [HEAD, HEAD, HEAD, HEAD]);
  assert.ok(received.length > 1 && received.every(([subject]) => subject !== WORKER));
});

test("where the worker does not own the partitions any more, whoever does is asked at once", async () => {
  await serve(PARTITIONS, WORKER);
  await serve(WORKER, WORKER, moved);
  await learn();
  assert.deepEqual(await askAll(), [HEAD, HEAD, HEAD, HEAD]);
  const [first, ...others] = received;
  assert.deepEqual(first, [WORKER, CHANNELS.length]);
  assert.ok(others.length > 1 && others.every(([subject]) => subject !== WORKER));
});
