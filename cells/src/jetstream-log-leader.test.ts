/** A replicated log is asked through its leader, which answers in another form and may refuse to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { logStream, subjects } from "@plexus/protocol";
import { natsForFile, silent } from "@plexus/runtime/testing";
import { JetStreamLog } from "./jetstream-log.js";
import type { AppendOutcome } from "./log.js";
import { recordOf } from "./testing/past.js";

const CELL = "c1";
const OPTIONS = { appendDeadlineMs: 20_000, readDeadlineMs: 20_000, replicas: 1, maxBytes: -1 };

const bus = natsForFile();

test("a log that refuses a question is not taken for one that holds nothing", async () => {
  const [subject, other] = [subjects.log(CELL, "t", "chat.a"), subjects.log(CELL, "t", "chat.b")];
  const writer = await JetStreamLog.open(bus.nats, CELL, silent, OPTIONS);
  bus.atEnd(() => writer.stop());
  // Asked as if it had replicas.
  const replicated = { ...OPTIONS, replicas: 3 };
  const reader = await JetStreamLog.openExisting(bus.nats, CELL, silent, replicated, undefined);
  bus.atEnd(() => reader.stop());
  await new Promise<AppendOutcome>((resolve) =>
    writer.append({ subject, bytes: recordOf(1, 1, 1), fence: 0, opened: 0 }, resolve),
  );
  assert.equal((await reader.last(subject))?.logSeq, 1);
  assert.equal(await reader.last(other), null);
  assert.equal(await reader.next(subject, 2), null);
  await (await jetstreamManager(bus.nats)).streams.delete(logStream(CELL));
  await assert.rejects(reader.last(subject), { code: "unavailable" });
});
