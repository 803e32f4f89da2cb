/** The bus goes away and comes back: bounded waits, typed errors, and nothing lost or twice afterwards. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ErrFrame } from "@plexus/protocol";
import { BusProxy } from "./harness/bus-proxy.js";
import { clusterForFile } from "./harness/cluster.js";
import { get } from "./harness/http.js";
import { eventsOf, membersAre } from "./harness/members.js";
import { assertComplete, CountingPublisher } from "./harness/publisher.js";
import type { RawClient } from "./harness/raw-client.js";
import { until, within } from "./harness/wait.js";

/**
 * A gateway gives whatever needs an actor 10 s, and a batch of publishes may have to wait for the batch before it; the
 * rest is for a busy machine.
 */
const MOST_PATIENCE_MS = 22_000;

// The gateways reach the bus through it.
const bus = await BusProxy.listen(() => cluster.natsPort);
const cluster = clusterForFile({
  gateways: 2,
  workers: 2,
  restart: false,
  gatewayEnv: { NATS_URL: bus.url },
});
after(() => bus.close());

/** One client on each gateway, subscribed, and members of the channel. */
async function pair(ch: string): Promise<[RawClient, RawClient]> {
  const ada = await cluster.connect("ada", { gateway: "g1" });
  const bob = await cluster.connect("bob", { gateway: "g2", encoding: "msgpack" });
  for (const client of [ada, bob]) await client.sub(ch, { presence: true });
  await membersAre(ada, ch, [ada, bob]);
  return [ada, bob];
}

test("nats-server is restarted in the midst of publishing, twice", async () => {
  const ch = "chat.restarted";
  const readers = await pair(ch);
  const writers = readers.map((client) => new CountingPublisher(client, ch, { mids: true }));
  const publishing = Promise.all(writers.map((writer) => writer.run()));
  const stored = () => writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  const nats = cluster.process("nats");
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    const before = stored();
    await until("some to be stored", () => stored() > before + 100);
    nats.kill(signal);
    await nats.exited;
    await nats.start();
    const afterwards = stored();
    await until("publishing to go on", () => stored() > afterwards + 100);
  }
  for (const writer of writers) writer.stop();
  await publishing;
  for (const { slowestMs, errors } of writers) {
    assert.ok(slowestMs < MOST_PATIENCE_MS, `${slowestMs} ms`);
    for (const { code } of errors) assert.ok(["unavailable", "timeout", "rate_limited"].includes(code), code);
  }
  await assertComplete(ch, [...readers], writers);
});

test("while NATS is away every request gets a typed error with retry in bounded time", async () => {
  const ch = "chat.away";
  const [ada, bob] = await pair(ch);
  await ada.pub(ch, "before");
  const nats = cluster.process("nats");
  nats.kill("SIGKILL");
  await nats.exited;
  const startedAt = performance.now();
  const asked = [
    { op: "pub", ch, data: "away", mid: "m-away" },
    { op: "history", ch },
    { op: "sub", ch: "chat.away-other" },
  ];
  const answers = await Promise.all(asked.map((frame) => ada.ask(frame, MOST_PATIENCE_MS)));
  assert.ok(performance.now() - startedAt < MOST_PATIENCE_MS);
  for (const [i, answer] of answers.entries()) {
    const { op, code, retry } = answer as ErrFrame;
    assert.equal(op, "err", JSON.stringify(asked[i]));
    assert.ok(code === "unavailable" || code === "timeout", `${asked[i]!.op}: ${code}`);
    assert.ok(retry! > 0, `${asked[i]!.op} says when to try again`);
  }
  // What needs nobody else goes on.
  await ada.settled();
  assert.ok(bob.isOpen);
  await nats.start();
  const late = await within(
    "the publish to get through",
    (async () => {
      for (;;) {
        const answer = await ada.ask(asked[0]!, MOST_PATIENCE_MS);
        if (answer.op === "ok") return answer;
        assert.ok((answer as ErrFrame).retry! > 0);
      }
    })(),
    2 * MOST_PATIENCE_MS,
  );
  assert.equal(late.seq, 2, "stored once, whatever became of the first try");
  await until("the message", () => bob.channel(ch).received.length === 2);
  assert.deepEqual(bob.channel(ch).data, ["before", "away"]);
  await ada.sub("chat.away-other");
  assert.equal((await ada.presence(ch)).count, 2, "nobody left");
  assert.ok(!bob.frames.some((frame) => frame.op === "presence" && "leave" in frame));
  assert.deepEqual(
    (await ada.history(ch)).messages.map(({ data }) => data),
    ["before", "away"],
  );
});

test("what a gateway missed while it was cut off from the bus is fetched", async () => {
  const ch = "chat.missed";
  const [ada, bob] = await pair(ch);
  await ada.pub(ch, 1);
  await until("the first", () => bob.channel(ch).received.length === 1);
  const repairs = async () => (await cluster.metrics("g2")).sum("plexus_relay_repairs_total");
  const before = await repairs();
  bus.cutOff("gateway g2");
  for (let i = 2; i <= 30; i++) await ada.pub(ch, i);
  await until("all at the other gateway", () => ada.channel(ch).received.length === 30);
  assert.equal(bob.channel(ch).received.length, 1);
  bus.restore();
  await until("all of them", () => bob.channel(ch).received.length === 30);
  bob.channel(ch).assertConsecutive();
  assert.ok((await repairs()) > before, "they were fetched");
  await membersAre(ada, ch, [ada, bob]);
});

test("a gateway that is cut off from the bus is not ready, answers in time, and its members leave and return", async () => {
  const ch = "chat.cut-off";
  const [ada, bob] = await pair(ch);
  const ready = async (id: string) => (await get(`${cluster.process(id).opsUrl}/readyz`)).status;
  bus.cutOff("gateway g2");
  await until("g2 not to be ready", async () => (await ready("g2")) === 503);
  await until("g1 to be ready", async () => (await ready("g1")) === 200);
  const { retry } = (await bob.ask({ op: "pub", ch, data: "lost?", mid: "m" }, MOST_PATIENCE_MS)) as ErrFrame;
  assert.ok(retry! > 0);
  await until("bob's leave", () => eventsOf(ada, ch).some(({ kind }) => kind === "leave"));
  bus.restore();
  await until("g2 to be ready", async () => (await ready("g2")) === 200);
  await membersAre(ada, ch, [ada, bob]);
  await bob.pub(ch, "lost?", "m");
  await until("the message", () => ada.channel(ch).received.length > 0);
  assert.deepEqual(ada.channel(ch).data, ["lost?"]);
  const leaves = eventsOf(ada, ch).filter(({ kind }) => kind === "leave");
  assert.deepEqual(
    leaves.map(({ member }) => member.conn),
    [bob.conn],
  );
});
