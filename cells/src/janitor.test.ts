/** Retention reaches channels whose actors are put away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeControl } from "@plexus/protocol";
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

test("a channel with young messages alone is left as it is", async () => {
  const log = new MemoryLog();
  log.now = Date.now();
  for (let seq = 1; seq <= 3; seq++) log.put(subjectIn("c0"), recordOf(seq, 1, log.now));
  const janitor = janitorOf(log, 60_000);
  await janitor.trim(TENANT, CHANNEL);
  janitor.stop();
  assert.equal(log.all(subjectIn("c0")).length, 3);
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
