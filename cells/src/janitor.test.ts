/** Retention reaches channels whose actors are put away. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeControl, PlexusError, parseLogSubject, subjects } from "@plexus/protocol";
import { createLogger, Settings, type WireCommand } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import type { ActorContext } from "./actor-context.js";
import { Actors } from "./actors.js";
import { Janitor } from "./janitor.js";
import type { PresenceStore } from "./presence-store.js";
import { batch } from "./testing/channels.js";
import { MemoryLog } from "./testing/memory-log.js";
import { CHANNEL, EPOCH, logsOf, recordOf, subjectIn, TENANT } from "./testing/past.js";

function janitorOf(
  log: MemoryLog,
  ageMs: number,
  messages = 1_000,
  trimByActor: () => Promise<unknown> = () => Promise.reject(new Error("nothing is in the way")),
): Janitor {
  const cells = new Map([["c0", log]]);
  const settings = new Settings({ defaults: { retention: { messages, ageMs } } });
  return new Janitor({
    cell: "c0",
    settings,
    logger: createLogger("test", "test", "fatal"),
    paceMs: 1,
    isLeader: () => true,
    subjects: async () => [subjectIn("c0")],
    logsOf: () => logsOf("c0", cells),
    trimByActor,
  });
}

test("what is too old goes, and the newest record stays whatever its age", async () => {
  const log = new MemoryLog();
  log.now = 1_000;
  for (let seq = 1; seq <= 10; seq++) log.put(subjectIn("c0"), recordOf(seq, 1, log.now));
  const janitor = janitorOf(log, 60_000);
  await janitor.trim(TENANT, CHANNEL);
  janitor.stop();
  assert.deepEqual(
    log.all(subjectIn("c0")).map(({ head }) => head.seq),
    [10],
  );
});

test("a channel with young messages alone is left as it is, after one question", async () => {
  const log = new MemoryLog();
  log.now = Date.now();
  for (let seq = 1; seq <= 3; seq++) log.put(subjectIn("c0"), recordOf(seq, 1, log.now));
  const janitor = janitorOf(log, 60_000);
  await janitor.trim(TENANT, CHANNEL);
  janitor.stop();
  assert.deepEqual([log.all(subjectIn("c0")).length, log.questions], [3, 1]);
});

test("what was too much goes once its ids are out of the window, though nothing was written since", async () => {
  const log = new MemoryLog();
  log.now = Date.now();
  for (let seq = 1; seq <= 10; seq++) log.put(subjectIn("c0"), recordOf(seq, 1, log.now));
  const lately = janitorOf(log, 1_000_000_000, 3);
  await lately.trim(TENANT, CHANNEL);
  lately.stop();
  assert.equal(log.all(subjectIn("c0")).length, 10);

  const older = new MemoryLog();
  older.now = Date.now() - 300_000;
  for (let seq = 1; seq <= 10; seq++) older.put(subjectIn("c0"), recordOf(seq, 1, older.now));
  const janitor = janitorOf(older, 1_000_000_000, 3);
  await janitor.trim(TENANT, CHANNEL);
  janitor.stop();
  assert.deepEqual(
    older.all(subjectIn("c0")).map(({ head }) => head.seq),
    [8, 9, 10],
  );
});

test("what a channel left behind when it moved goes by its age, and the seal stays", async () => {
  const log = new MemoryLog();
  log.now = Date.now() - 1_000_000;
  for (let seq = 1; seq <= 5; seq++) log.put(subjectIn("c0"), recordOf(seq, 1, log.now));
  log.now = Date.now() - 500_000;
  for (let seq = 6; seq <= 9; seq++) log.put(subjectIn("c0"), recordOf(seq, 1, log.now));
  const segments = [{ cell: "c0", first: 1, last: 9, low: 1, high: 9 }];
  const seal = { op: "seal", ch: CHANNEL, epoch: EPOCH, seq: 10, n: 0, to: "c1", fresh: false } as const;
  log.put(subjectIn("c0"), encodeControl({ ...seal, segments }));
  const left = async (ageMs: number) => {
    const janitor = janitorOf(log, ageMs, 2);
    await janitor.trim(TENANT, CHANNEL);
    janitor.stop();
    return log.all(subjectIn("c0")).map(({ head }) => `${head.op} ${head.seq}`);
  };
  assert.deepEqual(await left(700_000), ["msg 6", "msg 7", "msg 8", "msg 9", "seal 10"]);
  assert.deepEqual(await left(300_000), ["seal 10"]);
});

/** The actors of c0, which serve its channel. */
function actorsOf(log: MemoryLog, ageMs: number) {
  const waiting = new Map<number, (answer: unknown) => void>();
  const context: Partial<ActorContext> = {
    cell: "c0",
    log,
    logIsAway: () => false,
    placement: {
      isHome: () => true,
      previousHomes: () => [],
      stateOf: () => "active" as const,
      cameLately: () => false,
    },
    presence: { load: async () => [] } as unknown as PresenceStore,
    settings: new Settings({ defaults: { retention: { messages: 1_000, ageMs } } }),
    logger: silent,
    answer: ({ correlation }, error, body) => waiting.get(correlation)?.(error ?? body),
  };
  const actors = new Actors(context as ActorContext, { maxActors: 3, idleActorMs: 60_000 });
  const ask = (kind: "trim" | "publish", body: unknown) =>
    new Promise<unknown>((resolve) => {
      const correlation = waiting.size + 1;
      waiting.set(correlation, resolve);
      const command = [correlation, kind, TENANT, CHANNEL, body] as unknown as WireCommand;
      actors.handle(command, { reply: "r", correlation, at: 0 });
    });
  return { actors, ask };
}

test("a channel that came from elsewhere and is not written to: its actor writes its past down anew, then all goes", async (t) => {
  const log = new MemoryLog();
  log.now = Date.now() - 1_000_000;
  const head = { ch: CHANNEL, epoch: EPOCH, seq: 5, n: 0 };
  const segments = [{ cell: "c1", first: 1, last: 4, low: 1, high: 4 }];
  const opened = log.put(subjectIn("c0"), encodeControl({ op: "open", ...head, from: "c1", segments }));
  for (let seq = 5; seq <= 9; seq++) log.put(subjectIn("c0"), recordOf(seq, 1, log.now), opened);
  log.now = Date.now();
  const { actors, ask } = actorsOf(log, 600_000);
  const janitor = janitorOf(log, 600_000, 1_000, async () => assert.equal(await ask("trim", null), null));
  const walk = async () => {
    await janitor.trim(TENANT, CHANNEL);
    return log.all(subjectIn("c0")).map(({ head }) => `${head.op} ${head.seq}`);
  };
  await walk();
  assert.equal(log.all(subjectIn("c0")).at(-1)?.head.op, "open");
  assert.deepEqual(await walk(), ["open 10"]);
  assert.deepEqual(await walk(), ["open 10"]);
  janitor.stop();
  actors.stop();
  // One that reads the window as the newest record's age demands, while the cell that it came from is not there.
  const later = actorsOf(log, 600_000);
  t.after(() => later.actors.stop());
  const [epoch, seq] = (await later.ask("publish", batch("m10"))) as unknown[];
  assert.deepEqual([epoch, seq], [EPOCH, 10]);
});

/** Walks over channels of which each holds five old messages; all questions about those that are broken fail. */
function walkOver(t: TestContext, channels: string[], isBroken: (channel: string) => boolean) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const log = new MemoryLog();
  const subjectOf = (channel: string) => subjects.log("c0", TENANT, channel);
  for (const channel of channels)
    for (let seq = 1; seq <= 5; seq++) log.put(subjectOf(channel), recordOf(seq, 1, log.now));
  let failed = 0;
  const next = log.next.bind(log);
  log.next = async (subject, logSeq) => {
    if (!isBroken(parseLogSubject(subject)!.channel)) return next(subject, logSeq);
    failed++;
    throw new PlexusError("internal", "the log holds something that is no record");
  };
  const janitor = new Janitor({
    cell: "c0",
    settings: new Settings({ defaults: { retention: { messages: 1_000, ageMs: 60_000 } } }),
    logger: silent,
    paceMs: 10,
    isLeader: () => true,
    subjects: async () => channels.map(subjectOf),
    logsOf: (_, channel) => ({ ...logsOf("c0", new Map([["c0", log]])), subject: () => subjectOf(channel) }),
    trimByActor: async () => null,
  });
  t.after(() => janitor.stop());
  return {
    failed: () => failed,
    left: () => channels.map((channel) => log.all(subjectOf(channel)).length),
    /** Lets time go by in steps, and what it sets off come to its end. */
    async pass(ms: number, stepMs: number) {
      for (let at = 0; at < ms; at += stepMs) {
        t.mock.timers.tick(stepMs);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

test("a channel that can't be read is in the way of no other", async (t) => {
  const walk = walkOver(t, ["chat.bad", "chat.b", "chat.c"], (channel) => channel === "chat.bad");
  await walk.pass(60_000, 60_000);
  await walk.pass(50, 10);
  assert.deepEqual(walk.left(), [5, 1, 1]);
});

test("where nothing can be read a walk rests for a minute after ten channels, and then goes on behind them", async (t) => {
  const channels = Array.from({ length: 15 }, (_, i) => `chat.${i}`);
  let isAway = true;
  const walk = walkOver(t, channels, () => isAway);
  await walk.pass(60_000, 60_000);
  await walk.pass(30_000, 10);
  assert.equal(walk.failed(), 10);
  isAway = false;
  await walk.pass(31_000, 10);
  assert.deepEqual(walk.left(), [...Array(10).fill(5), ...Array(5).fill(1)]);
});
