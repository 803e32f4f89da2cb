/** The log over a real NATS server: what it stores, refuses, loses sight of, and shows to subscribers. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { encodeControl, logStream, readHead, subjects } from "@plexus/protocol";
import { describeIncarnation, LOG_BEING_RESTORED } from "@plexus/runtime";
import { inTime, natsForFile, silent, until, untilQuick } from "@plexus/runtime/testing";
import { JetStreamLog, type LogOptions } from "./jetstream-log.js";
import type { AppendOutcome, StoredRecord } from "./log.js";
import { MemoryLog } from "./testing/memory-log.js";
import { recordOf } from "./testing/past.js";

const OPTIONS: LogOptions = { appendDeadlineMs: 20_000, readDeadlineMs: 20_000, replicas: 1, maxBytes: -1 };
/** For a server that does not answer. */
const SHORT: LogOptions = { ...OPTIONS, appendDeadlineMs: 200, readDeadlineMs: 200 };

const bus = natsForFile();
let log: JetStreamLog;
/** Each test has a cell of its own. */
let cell: string;
let cells = 0;

beforeEach(async () => {
  cell = `c${++cells}`;
  log = await JetStreamLog.open(bus.nats, cell, silent, OPTIONS);
});
afterEach(() => log.stop());

function subject(channel = "chat.a"): string {
  return subjects.log(cell, "t", channel);
}

function append(
  fence: number,
  bytes = recordOf(1, 1, 1),
  more: { to?: JetStreamLog; opened?: number; channel?: string } = {},
): Promise<AppendOutcome> {
  const { to = log, opened = 0, channel } = more;
  return new Promise((resolve) => to.append({ subject: subject(channel), bytes, fence, opened }, resolve));
}

function inShort(outcome: AppendOutcome): number | string {
  return outcome.stored ? outcome.logSeq : outcome.why;
}

test("a record is stored where the fence holds, and nowhere else", async () => {
  assert.equal(inShort(await append(0)), 1);
  assert.equal(inShort(await append(1)), 2);
  for (const fence of [0, 1, 3, 99]) assert.equal(inShort(await append(fence)), "fence", `${fence}`);
  assert.equal(inShort(await append(2)), 3);
});

test("the fence is that of the subject: other channels in between do not matter", async () => {
  await append(0);
  assert.equal(inShort(await append(0, undefined, { channel: "chat.b" })), 2);
  assert.equal(inShort(await append(1)), 3);
});

test("of many writers with the same fence, one stores", async () => {
  await append(0);
  const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => append(1, recordOf(2 + i, 1, 1))));
  assert.deepEqual(outcomes.map(inShort).filter((outcome) => outcome !== "fence").length, 1);
});

test("what is stored is shown to subscribers of the event subject: the same bytes; what is not, is not", async () => {
  const seen: Array<[subject: string, bytes: string]> = [];
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  const subscription = bus.nats.subscribe("evt.>", {
    callback: (_error, message) => void seen.push([message.subject, text(message.data)]),
  });
  await bus.nats.flush();
  const [first, second] = [recordOf(1, 2, 1), recordOf(3, 1, 1)];
  await append(0, first);
  await append(0, recordOf(9, 1, 1));
  await append(1, second);
  await until("both records", () => seen.length >= 2);
  await bus.nats.flush();
  assert.deepEqual(seen, [
    ["evt.t.chat.a", text(first)],
    ["evt.t.chat.a", text(second)],
  ]);
  subscription.unsubscribe();
});

test("a full log refuses what is new, and keeps all it has", async () => {
  const small = await JetStreamLog.open(bus.nats, `${cell}s`, silent, { ...OPTIONS, maxBytes: 20_000 });
  const to = subjects.log(`${cell}s`, "t", "chat.a");
  const put = (fence: number) =>
    new Promise<AppendOutcome>((resolve) =>
      small.append({ subject: to, bytes: recordOf(fence + 1, 1, 1, 3_000), fence, opened: 0 }, resolve),
    );
  let fence = 0;
  let outcome = await put(fence);
  while (outcome.stored && fence < 20) {
    fence = outcome.logSeq;
    outcome = await put(fence);
  }
  assert.ok(fence >= 4 && fence < 20);
  assert.ok(!outcome.stored && outcome.why === "refused" && /bytes/.test(outcome.message));
  assert.equal((await small.last(to))?.logSeq, fence);
  assert.equal((await small.next(to, 1))?.logSeq, 1);
  small.stop();
  // More room by configuration, without losing anything.
  const larger = await JetStreamLog.open(bus.nats, `${cell}s`, silent, { ...OPTIONS, maxBytes: 40_000 });
  assert.equal((await larger.last(to))?.logSeq, fence);
  larger.stop();
  // Less room than it holds: what was acknowledged stays, and the bound waits.
  const lesser = await JetStreamLog.open(bus.nats, `${cell}s`, silent, { ...OPTIONS, maxBytes: 5_000 });
  assert.equal((await lesser.next(to, 1))?.logSeq, 1);
  lesser.stop();
});

test("a record that is too large for the bus is refused at once", async () => {
  assert.equal(inShort(await append(0, recordOf(1, 1, 1, 1_100_000))), "refused");
  assert.equal(inShort(await append(0)), 1);
});

test("the record that opened a channel is remembered with each that follows", async () => {
  await append(0);
  await append(1, recordOf(2, 1, 1), { opened: 7 });
  assert.equal((await log.last(subject()))?.opened, 7);
  assert.equal((await log.next(subject(), 1))?.opened, 0);
  assert.deepEqual(
    (await log.read(subject(), { logSeq: 1 }, { records: 9, bytes: 1e6 })).map(({ opened }) => opened),
    [0, 7],
  );
});

test("each record names the one before it in its channel", async () => {
  const other = await append(0, undefined, { channel: "chat.other" });
  assert.equal(inShort(other), 1);
  for (const [i, fence] of [0, 2, 3].entries()) await append(fence, recordOf(i + 1, 1, 1));
  assert.equal((await log.last(subject()))?.previous, 3);
  assert.deepEqual(
    (await log.read(subject(), { logSeq: 1 }, { records: 9, bytes: 1e6 })).map(({ previous }) => previous),
    [0, 2, 3],
  );
});

/** Fills the log and its double in memory with the same records of three channels. */
async function fillBoth(records: number): Promise<MemoryLog> {
  const memory = new MemoryLog();
  const fences = new Map<string, number>();
  for (let i = 0; i < records; i++) {
    const channel = `chat.${(i * 7) % 3}`;
    const bytes = recordOf(i + 1, 1 + (i % 3), 1, (i * 37) % 400);
    const outcome = await append(fences.get(channel) ?? 0, bytes, { channel, opened: i % 5 });
    fences.set(channel, memory.put(subject(channel), bytes, i % 5));
    assert.equal(inShort(outcome), fences.get(channel));
  }
  return memory;
}

function comparable(record: StoredRecord | null | undefined): unknown {
  if (record === null || record === undefined) return null;
  const { logSeq, bytes, head, opened } = record;
  return { logSeq, bytes: Buffer.from(bytes).toString(), head, opened };
}

test("questions are answered as by its double in memory, before and after trimming", async () => {
  const memory = await fillBoth(60);
  const compare = async () => {
    for (const channel of ["chat.0", "chat.1", "chat.2", "chat.none"]) {
      const of = subject(channel);
      assert.deepEqual(comparable(await log.last(of)), comparable(await memory.last(of)));
      for (const logSeq of [1, 2, 17, 40, 59, 60, 61, 99])
        assert.deepEqual(comparable(await log.next(of, logSeq)), comparable(await memory.next(of, logSeq)));
      for (const logSeq of [0, 1, 30, 61])
        for (const bounds of [
          { records: 1, bytes: 1e6 },
          { records: 7, bytes: 1e6 },
          { records: 99, bytes: 1e6 },
          { records: 99, bytes: 1 },
          { records: 99, bytes: 1_200 },
        ]) {
          const ours = await log.read(of, { logSeq }, bounds);
          const theirs = await memory.read(of, { logSeq }, bounds);
          assert.deepEqual(ours.map(comparable), theirs.map(comparable));
        }
    }
  };
  await compare();
  for (const each of [log, memory]) await each.trim(subject("chat.1"), 31);
  for (const each of [log, memory]) await each.trim(subject("chat.2"), 1);
  await compare();
  assert.equal((await log.next(subject("chat.1"), 1))!.logSeq >= 31, true);
});

test("reading from a time on begins with the first record that was stored then", async () => {
  const startedAt = Date.now();
  for (let i = 0; i < 5; i++) {
    await append(i, recordOf(i + 1, 1, 1));
    const at = Date.now();
    await until("the clock has moved on", () => Date.now() > at);
  }
  const all = await log.read(subject(), { logSeq: 1 }, { records: 9, bytes: 1e6 });
  for (const { storedAt } of all) assert.ok(storedAt >= startedAt - 1 && storedAt <= Date.now() + 1);
  for (const [i, { storedAt }] of all.entries()) {
    const [first] = await log.read(subject(), { storedAt }, { records: 1, bytes: 1e6 });
    assert.equal(first?.logSeq, i + 1);
    assert.equal(
      (await log.next(subject(), i + 1))?.storedAt,
      storedAt,
      "the same time, however it is asked for",
    );
  }
  assert.deepEqual(
    await log.read(subject(), { storedAt: Date.now() + 60_000 }, { records: 9, bytes: 1e6 }),
    [],
  );
});

test("large pages are read whole", async () => {
  for (let i = 0; i < 40; i++) await append(i, recordOf(i + 1, 1, 1, 100_000));
  const read = await log.read(subject(), { logSeq: 1 }, { records: 2_000, bytes: 1e9 });
  assert.deepEqual(
    read.map(({ bytes }) => readHead(bytes)?.seq),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});

test("every subject with a record is listed and counted, without the server putting all names into one answer", async () => {
  await append(0);
  await append(1);
  await append(0, undefined, { channel: "chat.b" });
  const asked: string[] = [];
  const subscription = bus.nats.subscribe("$JS.API.STREAM.INFO.>", {
    callback: (_error, message) => void asked.push(message.string()),
  });
  await bus.nats.flush();
  assert.deepEqual((await log.subjects()).sort(), [subject("chat.a"), subject("chat.b")]);
  assert.equal(await log.size(), 2);
  await bus.nats.flush();
  subscription.unsubscribe();
  assert.ok(asked.length > 0);
  assert.ok(!asked.some((question) => question.includes("subjects_filter")), asked.join());
});

test("a log keeps its name for life, and a new life has another", async () => {
  const again = await JetStreamLog.open(bus.nats, cell, silent, OPTIONS);
  assert.equal(again.incarnation, log.incarnation);
  assert.match(again.incarnation, /^[a-z0-9]{1,64}$/);
  again.stop();
  const existing = await JetStreamLog.openExisting(bus.nats, cell, silent, OPTIONS, undefined);
  assert.equal(existing.incarnation, log.incarnation);
  existing.stop();
  await (await jetstreamManager(bus.nats)).streams.delete(logStream(cell));
  const reborn = await JetStreamLog.open(bus.nats, cell, silent, OPTIONS);
  assert.notEqual(reborn.incarnation, log.incarnation);
  reborn.stop();
});

test("a log that is being restored can't be opened; after that it has another name", async () => {
  const { streams } = await jetstreamManager(bus.nats);
  await streams.update(logStream(cell), { description: LOG_BEING_RESTORED });
  const restoring = { code: "unavailable", message: /is being restored/ };
  await assert.rejects(JetStreamLog.open(bus.nats, cell, silent, OPTIONS), restoring);
  await assert.rejects(JetStreamLog.openExisting(bus.nats, cell, silent, OPTIONS, undefined), restoring);
  await streams.update(logStream(cell), { description: describeIncarnation("r1") });
  const restored = await JetStreamLog.open(bus.nats, cell, silent, OPTIONS);
  assert.equal(restored.incarnation, "r1");
  restored.stop();
});

test("a log that does not exist can't be opened from elsewhere, and takes no append", async () => {
  await assert.rejects(JetStreamLog.openExisting(bus.nats, "nowhere", silent, OPTIONS, undefined));
  const orphan = await JetStreamLog.open(bus.nats, cell, silent, OPTIONS);
  const impatient = await JetStreamLog.open(bus.nats, cell, silent, SHORT);
  await (await jetstreamManager(bus.nats)).streams.delete(logStream(cell));
  assert.equal(inShort(await append(0, undefined, { to: orphan })), "refused");
  // Questions are answered by nobody.
  await assert.rejects(impatient.last(subject()), { code: "unavailable" });
  orphan.stop();
  impatient.stop();
});

test("no answer: an append is unknown within its deadline, a question fails; later all is found as it is", () =>
  untilQuick("an append to be given up in time", async (attempt) => {
    const channel = `chat.a${attempt}`;
    const subject = subjects.log(cell, "t", channel);
    const impatient = await JetStreamLog.open(bus.nats, cell, silent, SHORT);
    const fence = inShort(await append(0, undefined, { channel })) as number;
    const offer = () => append(fence, recordOf(2, 1, 1), { to: impatient, channel }).then(inShort);
    let quick: boolean;
    await bus.broker.suspend();
    try {
      quick = await inTime("the outcome", 2_000, async () => assert.equal(await offer(), "unknown"));
      assert.equal(impatient.isAway, false, "once is no reason");
      await assert.rejects(impatient.last(subject), { code: "unavailable" });
      await assert.rejects(impatient.next(subject, 1), { code: "unavailable" });
      await assert.rejects(impatient.read(subject, { logSeq: 1 }, { records: 1, bytes: 1 }), {
        code: "unavailable",
      });
      await assert.rejects(impatient.trim(subject, 2), { code: "unavailable" });
    } finally {
      bus.broker.resume();
    }
    // The append was on its way: unknown is all that could be said.
    const arrived = async () => (await log.last(subject))?.logSeq === fence + 1;
    await until("the append arrives after all", arrived);
    await until("it hears so", async () => (await offer()) === "fence");
    assert.ok(await arrived(), "and nothing else did");
    impatient.stop();
    return quick;
  }));

test("a log that goes on not answering is not waited for; nothing is offered then, and the first answer ends it", async () => {
  const impatient = await JetStreamLog.open(bus.nats, cell, silent, SHORT);
  const offer = (fence: number) => append(fence, undefined, { to: impatient });
  await bus.broker.suspend();
  try {
    const outcomes = await Promise.all([offer(0), offer(0), offer(0)]);
    assert.deepEqual(outcomes.map(inShort), ["unknown", "unknown", "unknown"]);
    assert.ok(impatient.isAway);
    assert.equal(inShort(await offer(0)), "refused", "and not offered, after which it would be unknown");
    await Promise.allSettled([1, 2, 3].map(() => impatient.last(subject())));
  } finally {
    bus.broker.resume();
  }
  try {
    const last = await until("it is asked again", () => impatient.last(subject()));
    assert.equal(
      last.logSeq,
      1,
      "of those without an answer one was stored, of those that were refused none",
    );
    await until("it takes records again", async () => {
      const outcome = inShort(await offer(1));
      // It has one that was offered before, whose answer was late.
      return outcome === 2 || (outcome === "fence" && (await log.last(subject()))?.logSeq === 2);
    });
    assert.equal(impatient.isAway, false);
  } finally {
    impatient.stop();
  }
});

test("whoever stops does not know what became of its appends", async () => {
  const stopping = await JetStreamLog.open(bus.nats, cell, silent, OPTIONS);
  await bus.broker.suspend();
  const outcome = append(0, undefined, { to: stopping });
  stopping.stop();
  assert.equal(inShort(await outcome), "unknown");
  bus.broker.resume();
});

test("what was under way when the server was lost waits for its return, and not for a deadline", async () => {
  const patient = { ...OPTIONS, appendDeadlineMs: 60_000, readDeadlineMs: 60_000 };
  const waiting = await JetStreamLog.open(bus.nats, cell, silent, patient);
  await append(0);
  await bus.broker.suspend();
  const outcome = append(1, recordOf(2, 1, 1), { to: waiting });
  const last = waiting.last(subject());
  await bus.broker.kill();
  await bus.broker.restart();
  assert.equal(inShort(await outcome), "unknown");
  assert.equal((await last)?.logSeq, 1);
  waiting.stop();
});

test("what was acknowledged is still there when the server was killed, and the log goes on", async () => {
  await append(0);
  await append(1, recordOf(2, 1, 1));
  await bus.broker.kill();
  await bus.broker.restart();
  const last = await until("the log answers again", () => log.last(subject()));
  assert.equal(last.logSeq, 2);
  assert.equal(inShort(await append(2, recordOf(3, 1, 1))), 3);
  const reopened = await JetStreamLog.open(bus.nats, cell, silent, OPTIONS);
  assert.equal(reopened.incarnation, log.incarnation);
  reopened.stop();
});

test("every channel is told of once, and whether its newest record is a seal", async () => {
  const channels = Array.from({ length: 600 }, (_, i) => `chat.c${i}`);
  const seal = encodeControl({
    op: "seal",
    ch: "chat.a",
    epoch: "e",
    seq: 2,
    n: 0,
    to: "other",
    fresh: false,
    segments: [],
  });
  const fences = await Promise.all(channels.map((channel) => append(0, undefined, { channel })));
  for (const [i, channel] of channels.entries())
    if (i % 3 === 0) await append(Number(inShort(fences[i]!)), seal, { channel });
  const told = new Map<string, boolean>();
  await log.newest((each, isSeal) => {
    assert.ok(!told.has(each), each);
    told.set(each, isSeal);
  });
  assert.deepEqual(told, new Map(channels.map((channel, i) => [subject(channel), i % 3 === 0])));
});

test("an empty log has nothing to tell", async () => {
  await log.newest(() => assert.fail("there is nothing"));
});
