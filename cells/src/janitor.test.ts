/** Retention reaches channels whose actors are put away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, Settings } from "@plexus/runtime";
import { Janitor } from "./janitor.js";
import { MemoryLog } from "./testing/memory-log.js";
import { CHANNEL, logsOf, recordOf, subjectIn, TENANT } from "./testing/past.js";

function janitorOf(log: MemoryLog, ageMs: number, messages = 1_000): Janitor {
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
