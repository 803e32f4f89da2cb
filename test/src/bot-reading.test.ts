/** A bot needs nothing but a NATS client: what it reads is byte for byte what JSON clients receive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readHead } from "@plexus/protocol";
import { clusterForFile } from "./harness/cluster.js";
import type { RawClient } from "./harness/raw-client.js";
import { until } from "./harness/wait.js";
import { publishMany, range } from "./protocol/case.js";

const cluster = clusterForFile({ gateways: 2, workers: 2, cells: ["eu-1", "us-1"] });

interface Event {
  subject: string;
  bytes: Buffer;
  frame: { op: string; ch: string } & Record<string, unknown>;
}

/** Everything on these event subjects, as a bot gets it. */
async function listen(subject: string): Promise<Event[]> {
  const nats = await cluster.nats();
  const events: Event[] = [];
  const subscription = nats.subscribe(subject, {
    callback: (_, message) => {
      const bytes = Buffer.from(message.data);
      events.push({ subject: message.subject, bytes, frame: JSON.parse(bytes.toString()) });
    },
  });
  cluster.beforeStop(() => subscription.unsubscribe());
  await nats.flush();
  return events;
}

const records = (events: Event[]) => events.filter(({ frame }) => frame.op === "msg");
const recordsOf = (client: RawClient) => client.messages.filter((bytes) => readHead(bytes)?.op === "msg");

test("records are the same bytes, in the same order", async () => {
  const ch = "chat.bots.same-bytes";
  const events = await listen(`evt.demo.${ch}`);
  const [ada, bob] = [
    await cluster.connect("ada", { gateway: "g1" }),
    await cluster.connect("bob", { gateway: "g2" }),
  ];
  for (const client of [ada, bob]) await client.sub(ch);
  await ada.pub(ch, { text: "příliš žluťoučký 🐎 \u2028", n: [1.5, null, true] }, "mid-1");
  await publishMany(bob, ch, 100, 25);
  await ada.pub(ch, "x".repeat(30_000));
  for (const client of [ada, bob])
    await until("all of them", () => client.channel(ch).received.length === 102);
  await until("all of them at the bot", () => records(events).length === recordsOf(ada).length);
  for (const client of [ada, bob])
    assert.deepEqual(
      records(events).map(({ bytes }) => bytes.toString()),
      recordsOf(client).map((bytes) => bytes.toString()),
    );
  const seqs = records(events).flatMap(({ frame }) => {
    const { seq, m } = frame as unknown as { seq: number; m: unknown[] };
    return range(seq, seq + m.length - 1);
  });
  assert.deepEqual(seqs, range(1, 102));
});

test("wildcards bring the channels of all cells; presence and signals come as frames of their own", async () => {
  const events = await listen("evt.demo.chat.wild.>");
  const client = await cluster.connect("ada");
  const channels = range(1, 8).map((n) => `chat.wild.room-${n}`);
  const homes = new Set<string>();
  for (const ch of channels) {
    homes.add((await cluster.ownerOf(ch)).cell);
    await client.sub(ch, { presence: true });
    await client.pub(ch, { in: ch });
    client.send({ op: "signal", ch, data: { typing: true } });
  }
  assert.deepEqual([...homes].sort(), ["eu-1", "us-1"]);
  const of = (ch: string, op: string) =>
    events.find((event) => event.subject === `evt.demo.${ch}` && event.frame.op === op);
  for (const ch of channels) {
    await until(`message, presence and signal of ${ch}`, () =>
      ["msg", "presence", "signal"].every((op) => of(ch, op)),
    );
    assert.equal(of(ch, "msg")!.frame.ch, ch);
    const { join } = of(ch, "presence")!.frame as unknown as { join: Array<{ user: string; conn: string }> };
    assert.deepEqual(
      join.map(({ user, conn }) => [user, conn]),
      [["ada", client.conn]],
    );
    const { user, conn, data } = of(ch, "signal")!.frame;
    assert.deepEqual({ user, conn, data }, { user: "ada", conn: client.conn, data: { typing: true } });
  }
  const other = await cluster.connect("ada", { tenant: "other" });
  await other.pub("chat.wild.room-1", "of another tenant");
  await client.pub("chat.wild.room-1", "last");
  await until("the last", () => records(events).at(-1)?.bytes.includes("last") === true);
  assert.ok(!events.some(({ bytes }) => bytes.includes("of another tenant")));
});
