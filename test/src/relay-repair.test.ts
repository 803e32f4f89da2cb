/** Whatever the bus loses, repeats or reorders: subscribers get every message once, in order. */
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { BusProxy, type Mangle } from "./harness/bus-proxy.js";
import { clusterForFile } from "./harness/cluster.js";
import type { RawClient } from "./harness/raw-client.js";
import { staysTrue, until } from "./harness/wait.js";
import { range } from "./protocol/case.js";

// All gateways reach the bus through it.
const bus = await BusProxy.listen(() => cluster.natsPort);
const cluster = clusterForFile({ gatewayEnv: { NATS_URL: bus.url } });
after(() => bus.close());

const untouched: Mangle = (_, raw) => [raw];
afterEach(() => {
  bus.mangle = untouched;
});

/** Passes on everything but the records of a channel, whose treatment is decided one by one. */
function onRecordsOf(ch: string, treat: (raw: Buffer, n: number) => Buffer[]): Mangle {
  let n = 0;
  return (subject, raw) => {
    if (subject !== `evt.demo.${ch}` || !raw.includes('"op":"msg"')) return [raw];
    return treat(raw, ++n);
  };
}

async function readers(ch: string): Promise<RawClient[]> {
  const clients = [await cluster.connect("json"), await cluster.connect("msgpack", { encoding: "msgpack" })];
  for (const client of clients) await client.sub(ch);
  return clients;
}

async function assertAll(clients: RawClient[], ch: string, seqs: number[]): Promise<void> {
  for (const client of clients) {
    const watch = client.channel(ch);
    await until(`seq ${seqs.at(-1)}`, () => (watch.seqs.at(-1) ?? 0) >= seqs.at(-1)!);
    watch.assertConsecutive();
    assert.deepEqual(watch.seqs, seqs);
    assert.deepEqual(watch.resets, []);
  }
}

const repairs = async () => (await cluster.metrics("g1")).sum("plexus_relay_repairs_total");

test("every third record is lost", async () => {
  const ch = "chat.lossy";
  const clients = await readers(ch);
  const before = await repairs();
  // The last one arrives: what is lost at the very end is found when heads are compared, half a minute later.
  bus.mangle = onRecordsOf(ch, (raw, n) => (n % 3 === 0 && n < 100 ? [] : [raw]));
  for (let i = 1; i <= 100; i++) await clients[0]!.pub(ch, i);
  await assertAll(clients, ch, range(1, 100));
  assert.ok((await repairs()) > before, "what was lost was fetched");
});

test("every record comes twice, and some come again much later", async () => {
  const ch = "chat.repeating";
  const clients = await readers(ch);
  const before = await repairs();
  const all: Buffer[] = [];
  bus.mangle = onRecordsOf(ch, (raw, n) => {
    all.push(raw);
    return n % 10 === 0 ? [raw, raw, ...all] : [raw, raw];
  });
  for (let i = 1; i <= 100; i++) await clients[0]!.pub(ch, i);
  await assertAll(clients, ch, range(1, 100));
  assert.equal(await repairs(), before, "nothing had to be fetched");
});

test("records come in another order", async () => {
  const ch = "chat.shuffled";
  const clients = await readers(ch);
  let kept: Buffer[] = [];
  bus.mangle = onRecordsOf(ch, (raw, n) => {
    kept.push(raw);
    if (n % 4 !== 0) return [];
    const turned = kept.reverse();
    kept = [];
    return turned;
  });
  for (let i = 1; i <= 100; i++) await clients[0]!.pub(ch, i);
  await assertAll(clients, ch, range(1, 100));
});

test("a long stretch is lost, longer than what is fetched or held at once", async () => {
  const ch = "chat.stretch";
  const clients = await readers(ch);
  bus.mangle = onRecordsOf(ch, (raw, n) => (n <= 1_499 ? [] : [raw]));
  for (let i = 1; i <= 1_500; i++) await clients[0]!.pub(ch, i);
  await assertAll(clients, ch, range(1, 1_500));
});

test("old records that anybody publishes again are not delivered again", async () => {
  const ch = "chat.replayed";
  const clients = await readers(ch);
  const nats = await cluster.nats();
  const records: Uint8Array[] = [];
  const subscription = nats.subscribe(`evt.demo.${ch}`, {
    callback: (_, { data }) => {
      records.push(data);
    },
  });
  await nats.flush();
  for (let i = 1; i <= 5; i++) await clients[0]!.pub(ch, i);
  await assertAll(clients, ch, range(1, 5));
  for (const record of [...records].reverse()) nats.publish(`evt.demo.${ch}`, record);
  await nats.flush();
  subscription.unsubscribe();
  const unchanged = () => clients.every((client) => client.channel(ch).received.length === 5);
  assert.ok(await staysTrue(unchanged, 500));
  await clients[0]!.pub(ch, 6);
  await assertAll(clients, ch, range(1, 6));
});

test("what is no frame at all on an event subject harms nobody", async () => {
  const ch = "chat.nonsense";
  const clients = await readers(ch);
  const nats = await cluster.nats();
  for (const nonsense of [
    "",
    "{",
    '{"op":"msg"}',
    '{"op":"presence"',
    '{"op":"future","ch":"x"}',
    "\u0000".repeat(1_000),
  ])
    nats.publish(`evt.demo.${ch}`, nonsense);
  await nats.flush();
  await clients[0]!.pub(ch, 1);
  await assertAll(clients, ch, [1]);
  for (const client of clients) assert.ok(client.isOpen);
});
