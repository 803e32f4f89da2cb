/** Hundreds of clients that come back at once: what the cell is asked for, and what each of them gets. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { readHead, type ServerFrame } from "@plexus/protocol";
import { type ReadAnswer, type ReadRange, type Router, Tail } from "@plexus/runtime";
import { Connection, type Socket, type Subscription } from "./connection.js";
import { PAGES_AT_ONCE, PageReader } from "./page-reader.js";
import { joinChannel } from "./recovery.js";
import { recordOf } from "./testing/model-channel.js";

const HEAD = 5_000;
const CLIENTS = 400;

/** What the cell was asked for, and how much of it at once. */
let asked: Array<{ channel: string; after: number }>;
let underWay: number;
let mostUnderWay: number;
/** Told about each question before it is answered. */
let onAsked: () => void;
let pages: PageReader;

beforeEach(() => {
  [asked, underWay, mostUnderWay, onAsked] = [[], 0, 0, () => undefined];
  pages = new PageReader({ ask } as unknown as Router);
});

async function ask(_kind: string, _tenant: string, channel: string, range: ReadRange): Promise<ReadAnswer> {
  const after = range.after!;
  asked.push({ channel, after });
  mostUnderWay = Math.max(mostUnderWay, ++underWay);
  onAsked();
  await new Promise((resolve) => setImmediate(resolve));
  underWay--;
  const records = [recordOf("e", after + 1, Math.min(range.limit, HEAD - after))];
  return { head: { epoch: "e", seq: HEAD }, state: "ok", records, oldest: 1 };
}

/** What a gateway knows of the channel's position; by default all. */
interface Known {
  position: { epoch: string; seq: number };
  behind?: boolean;
  tail?: Tail;
  compare?: () => void;
}

/** A client that was cut off at this seq resumes, or wants the newest; resolves to what it received, and where the relay stood when it joined. */
async function resume(
  channel: string,
  from: number | { rewind: number },
  known: Known = { position: { epoch: "e", seq: HEAD } },
): Promise<{ frames: ServerFrame[]; seqs: number[]; joinedAt: number | null }> {
  const frames: ServerFrame[] = [];
  const seqs: number[] = [];
  let joinedAt: number | null = null;
  const connection = new Connection(channel, "json", 0);
  const socket = {
    send: (data: string | Uint8Array) => {
      if (typeof data === "string") frames.push(JSON.parse(data) as ServerFrame);
      else {
        const { seq, n } = readHead(data)!;
        for (let i = 0; i < n; i++) seqs.push(seq + i);
      }
    },
    cork: (write: () => void) => write(),
    getBufferedAmount: () => 0,
    subscribe: () => {
      joinedAt = known.position.seq;
      return true;
    },
    end: () => undefined,
  };
  connection.attach(socket as unknown as Socket);
  const relay = {
    key: `t/${channel}`,
    tenant: "t",
    channel,
    home: "eu-1",
    opened: Promise.resolve(),
    get position() {
      return known.position;
    },
    relay: { tail: known.tail ?? new Tail({ maxRecords: 1, maxBytes: 1 }), behind: known.behind ?? false },
    dropOldTail: () => undefined,
    checkAnew: async () => known.compare?.(),
    fillTail: () => Promise.resolve(),
  };
  const subscription = { channel, relay, presence: false, state: "joining", watching: false };
  const start = typeof from === "number" ? { since: { epoch: "e", seq: from } } : from;
  const frame = { op: "sub", id: 1, ch: channel, ...start } as const;
  await joinChannel(pages, connection, subscription as unknown as Subscription, frame);
  return { frames, seqs, joinedAt };
}

function isRecovered([frame, ...more]: ServerFrame[]): boolean {
  return frame?.op === "ok" && "recovered" in frame && frame.recovered === true && more.length === 0;
}

test("all who were cut off at the same place share each page, and each gets all of it", async () => {
  const all = await Promise.all(Array.from({ length: CLIENTS }, () => resume("chat.a", 1_000)));
  assert.deepEqual(
    asked.map(({ after }) => after),
    [1_000, 2_000, 3_000, 4_000],
  );
  const expected = Array.from({ length: 4_000 }, (_, i) => 1_001 + i);
  for (const { frames, seqs } of all) {
    assert.ok(isRecovered(frames));
    assert.deepEqual(seqs, expected);
  }
});

test("where every client has its own place, so many pages are asked for at once, and nobody is left out", async () => {
  const all = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => resume("chat.a", 4_000 + i)));
  assert.equal(asked.length, CLIENTS);
  assert.equal(mostUnderWay, PAGES_AT_ONCE);
  for (const [i, { frames, seqs }] of all.entries()) {
    assert.ok(isRecovered(frames));
    assert.equal(seqs[0], 4_001 + i);
    assert.equal(seqs.length, HEAD - 4_000 - i);
  }
});

test("a cell that does not answer holds up its own channels only", async () => {
  let isAsked = false;
  const router = {
    ask: (_kind: string, _tenant: string, channel: string) => {
      if (channel === "chat.well") isAsked = true;
      return new Promise(() => undefined);
    },
  };
  const both = new PageReader(router as unknown as Router);
  for (let i = 0; i < 2 * PAGES_AT_ONCE; i++)
    void both.read("t", `chat.${i}`, "us-1", { after: 1, limit: 1_000 });
  void both.read("t", "chat.well", "eu-1", { after: 1, limit: 1_000 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(isAsked);
});

test("a page that brings nothing new ends the recovery, rather than being asked for again and again", async () => {
  const empty = async (): Promise<ReadAnswer> => {
    asked.push({ channel: "chat.a", after: 0 });
    return { head: { epoch: "e", seq: HEAD }, state: "ok", records: [], oldest: 1 };
  };
  pages = new PageReader({ ask: empty } as unknown as Router);
  onAsked = () => assert.ok(asked.length < 10, "it goes on and on");
  const { frames } = await resume("chat.a", 1_000);
  assert.equal(asked.length, 1);
  assert.ok(frames.at(-1)?.op === "bye", "the client resumes from where it is");
});

test("a gateway that was deaf gets to where its client is already, before it says what it can't recover", async () => {
  const known: Known = { position: { epoch: "e", seq: HEAD - 20 } };
  let compared = 0;
  known.compare = () => {
    // The first answer comes from an actor that is behind as well.
    if (++compared === 2) known.position = { epoch: "e", seq: HEAD };
  };
  const { frames, seqs } = await resume("chat.a", HEAD - 5, known);
  assert.ok(isRecovered(frames));
  assert.deepEqual(
    seqs,
    [-4, -3, -2, -1, 0].map((i) => HEAD + i),
  );
});

test("one that goes on being behind asks its client to come again; one that is not has no such position", async () => {
  const behind = { position: { epoch: "e", seq: 1 }, behind: true };
  await assert.rejects(resume("chat.a", 5, behind), /caught up/);
  const { frames } = await resume("chat.a", 5, { position: { epoch: "e", seq: 1 } });
  assert.equal((frames[0] as { recovered?: boolean }).recovered, false);
});

test("a position of another epoch is not waited for", async () => {
  let compared = 0;
  const known = { position: { epoch: "f", seq: 9 }, compare: () => void compared++ };
  const { frames } = await resume("chat.a", 5, known);
  assert.equal((frames[0] as { recovered?: boolean }).recovered, false);
  assert.equal(compared, 2);
});

test("a gateway that has been deaf gets to where pages have brought a client, before the client hears what it hears", async () => {
  for (const tailHolds of [1, 0]) {
    const known: Known = { position: { epoch: "e", seq: HEAD - 50 } };
    known.tail = new Tail({ maxRecords: 9, maxBytes: 10_000 });
    const bytes = recordOf("e", HEAD - 50, 1);
    if (tailHolds > 0) known.tail.push({ seq: HEAD - 50, n: 1, bytes, at: Number.POSITIVE_INFINITY });
    known.compare = () => {
      known.position = { epoch: "e", seq: HEAD };
    };
    const { frames, seqs, joinedAt } = await resume("chat.a", HEAD - 1_500, known);
    assert.ok(isRecovered(frames));
    assert.deepEqual([seqs.at(-1), seqs.length, joinedAt], [HEAD, 1_500, HEAD], `${tailHolds} in the tail`);
  }
});

/** What a worker answers of which retention keeps no more than what lies behind `oldest()`. */
function trimming(oldest: () => number, knowsOldest = true): Router {
  const trimmed = async (range: ReadRange): Promise<ReadAnswer> => {
    const first = oldest();
    const head = { epoch: "e", seq: HEAD };
    const gone = range.after! + 1 < first;
    asked.push({ channel: "chat.a", after: range.after! });
    if (gone && !(range.orOldest && knowsOldest))
      return { head, state: "trimmed", records: [], oldest: first };
    const from = gone ? first : range.after! + 1;
    const records = [recordOf("e", from, Math.min(range.limit, HEAD - from + 1))];
    return { head, state: "ok", records, oldest: first };
  };
  return {
    ask: (_kind: string, _t: string, _c: string, range: ReadRange) => trimmed(range),
  } as unknown as Router;
}

test("a rewind begins with the oldest that is kept, also where that goes with every question", async () => {
  let oldest = HEAD - 1_500;
  pages = new PageReader(trimming(() => oldest++));
  const { seqs } = await resume("chat.a", { rewind: 3_000 });
  assert.deepEqual([seqs[0], seqs.length], [HEAD - 1_500, 1_501]);
});

test("of a worker that does not know how to begin with the oldest, it is asked for so often", async () => {
  let oldest = HEAD - 1_500;
  const once = trimming(() => HEAD - 1_500, false);
  const chasing = trimming(() => oldest++, false);
  pages = new PageReader(once);
  const found = await resume("chat.a", { rewind: 3_000 });
  assert.deepEqual([found.seqs[0], found.seqs.length], [HEAD - 1_500, 1_501]);
  asked = [];
  pages = new PageReader(chasing);
  const { frames, seqs, joinedAt } = await resume("chat.a", { rewind: 3_000 });
  assert.deepEqual([frames.length, seqs, joinedAt, asked.length], [1, [], HEAD, 5]);
});

test("what retention takes while a rewind goes on is told where it lies, and the rest comes", async () => {
  pages = new PageReader(trimming(() => (asked.length === 0 ? HEAD - 3_000 : HEAD - 500)));
  const { frames, seqs, joinedAt } = await resume("chat.a", { rewind: 3_000 });
  assert.deepEqual([seqs.length, seqs[1_000], seqs.at(-1), joinedAt], [1_501, HEAD - 500, HEAD, HEAD]);
  assert.deepEqual(
    frames.map((frame) => ("seq" in frame ? [frame.op, frame.seq] : [frame.op])),
    [
      ["ok", HEAD],
      ["reset", HEAD - 501],
    ],
  );
  assert.equal(seqs[999], HEAD - 2_000);
});
