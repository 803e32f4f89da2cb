/** An actor whose log or Redis is away: what it still answers, and what it refuses at once. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { encodeControl, PlexusError } from "@plexus/protocol";
import { type Commands, Settings, type WireError } from "@plexus/runtime";
import { inTime, silent, until, untilQuick } from "@plexus/runtime/testing";
import { Actor } from "./actor.js";
import type { ActorContext } from "./actor-context.js";
import type { PresenceStore } from "./presence-store.js";
import { batch, item } from "./testing/channels.js";
import { MemoryLog } from "./testing/memory-log.js";
import { subjectIn } from "./testing/past.js";
import { WINDOW_IN_LOG_MS } from "./window.js";

let log: MemoryLog;
let logIsAway: boolean;
let answers: Map<number, { error: WireError | null; body: unknown }>;
let closed: number;
let actor: Actor;
let context: ActorContext;
let asked = 0;

beforeEach(() => {
  [log, logIsAway, answers, closed] = [new MemoryLog(), false, new Map(), 0];
  const placement = {
    isHome: () => true,
    previousHomes: () => [],
    stateOf: () => "active" as const,
    cameLately: () => false,
  };
  const parts: Partial<ActorContext> = {
    cell: "eu-1",
    log,
    logIsAway: () => logIsAway,
    placement,
    presence: { load: () => new Promise(() => undefined) } as unknown as PresenceStore,
    settings: new Settings(),
    logger: silent,
    answer: ({ correlation }, error, body) => void answers.set(correlation, { error, body }),
    closed: () => void closed++,
  };
  context = parts as ActorContext;
  actor = new Actor(context, "acme", "chat.a");
});
afterEach(() => actor.close());

type ActorCommand = Parameters<Actor["handle"]>[0];

async function ask<K extends ActorCommand[1]>(kind: K, body: Commands[K]["ask"]) {
  const correlation = ++asked;
  const command = [correlation, kind, "acme", "chat.a", body] as unknown as ActorCommand;
  actor.handle(command, { reply: "r", correlation, at: 0 });
  return until("an answer", () => answers.get(correlation));
}

test("while the log is away publishes are refused at once, and what is in memory is still answered", async () => {
  await ask("publish", batch(item("a")));
  logIsAway = true;
  log.silent = true;
  const questions = log.questions;
  const { error } = await ask("publish", batch(item("b")));
  assert.deepEqual(error, ["unavailable", "the log is away", 1_000]);
  const head = (await ask("head", { gateway: "g1" })).body as Commands["head"]["answer"];
  assert.equal(head.head.seq, 1);
  const read = (await ask("read", { after: 0, limit: 10 })).body as Commands["read"]["answer"];
  assert.equal(read.records.length, 1);
  assert.deepEqual([closed, log.questions], [0, questions], "it is still the same actor, and asked nobody");
  [logIsAway, log.silent] = [false, false];
  assert.equal((await ask("publish", batch(item("b")))).error, null);
  assert.equal(log.all(subjectIn("eu-1")).length, 2);
});

test("an append whose fate is unknown when the log goes away is a timeout, not unavailable", async () => {
  await ask("publish", batch(item("a")));
  log.fate = () => {
    [logIsAway, log.silent] = [true, true];
    return "unheard";
  };
  assert.equal((await ask("publish", batch(item("b")))).error?.[0], "timeout");
  assert.equal(log.all(subjectIn("eu-1")).length, 2, "it was stored");
});

test("an actor in doubt asks the log once: it goes on where nothing newer is stored, and ends where something is", async () => {
  await ask("publish", batch(item("a")));
  actor.doubt();
  const questions = log.questions;
  for (const answer of await Promise.all([
    ask("head", { gateway: "g1" }),
    ask("read", { after: 0, limit: 9 }),
  ]))
    assert.equal(answer.error, null);
  assert.deepEqual([closed, log.questions], [0, questions + 1]);
  const other = new Actor(context, "acme", "chat.a");
  other.handle([++asked, "publish", "acme", "chat.a", batch(item("b"))], {
    reply: "r",
    correlation: asked,
    at: 0,
  });
  await until("the other one to store", () => answers.get(asked));
  assert.equal((await ask("head", { gateway: "g1" })).error, null, "it does not know");
  actor.doubt();
  assert.equal((await ask("head", { gateway: "g1" })).error?.[0], "moved");
  assert.equal(closed, 1);
  other.close();
});

test("while Redis hangs the head of a channel is answered at once, without its members", () =>
  untilQuick("the head to be answered", async () => {
    actor.close();
    actor = new Actor(context, "acme", "chat.a");
    let head: unknown;
    const answered = await inTime("the head", 200, async () => {
      head = (await ask("head", { gateway: "g1" })).body;
    });
    assert.deepEqual(head, { head: { epoch: "born", seq: 0 }, presence: null, members: 0 });
    return answered;
  }));

test("what can't be read of the window is in nobody's way once the window is over", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 5_000_000 });
  log.now = Date.now();
  const segments = [{ cell: "us-1", first: 1, last: 4, low: 1, high: 4 }];
  const open = { op: "open", ch: "chat.a", epoch: "e1", seq: 5, n: 0, from: "us-1", segments } as const;
  log.put(subjectIn("eu-1"), encodeControl(open));
  actor.close();
  const logOf = () => Promise.reject(new PlexusError("unavailable", "the log of us-1 can't be reached"));
  actor = new Actor({ ...context, logOf }, "acme", "chat.a");
  assert.equal((await ask("publish", batch("m5"))).error?.[0], "unavailable");
  t.mock.timers.setTime(Date.now() + WINDOW_IN_LOG_MS);
  assert.equal((await ask("publish", batch("m5"))).error?.[0], "unavailable");
  t.mock.timers.setTime(Date.now() + 1);
  assert.equal((await ask("publish", batch("m5"))).error, null);
});

test("a clock that is put back does not keep an actor from trimming", async (t) => {
  let now = 1_000_000;
  t.mock.method(performance, "now", () => now);
  t.mock.timers.enable({ apis: ["Date"], now: 100_000_000_000 });
  log.now = 1_000_000;
  actor.close();
  actor = new Actor(context, "acme", "chat.a");
  await ask("publish", batch(item("a")));
  t.mock.timers.setTime(50_000_000_000);
  now += 61_000;
  await ask("publish", batch(item("b")));
  t.mock.timers.reset();
  await until("what is old to go", () => log.all(subjectIn("eu-1")).length === 1);
});
