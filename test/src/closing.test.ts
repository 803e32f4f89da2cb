/** Closes that come from the gateway's side of things: it goes away, or cannot go on with what it has begun. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { CountingPublisher } from "./harness/publisher.js";
import { RawSocket } from "./harness/raw-socket.js";
import { until, within } from "./harness/wait.js";
import { publishMany, range } from "./protocol/case.js";

/** More than the kernel holds back for a socket whose reader has stopped. */
const LARGE_MESSAGES = 1_000;
const LARGE_BYTES = 24_000;

const cluster = clusterForFile({ gateways: 2, restart: false });

test("a recovery that is interrupted: 4003, and the rest comes with the next one", async () => {
  const ch = "chat.interrupted";
  const ada = await cluster.connect("ada", { gateway: "g1" });
  await publishMany(ada, ch, LARGE_MESSAGES, 10, "x".repeat(LARGE_BYTES));
  const { epoch } = await ada.history(ch, { limit: 1 });
  const bob = await cluster.connect("bob", { gateway: "g1" });
  const { worker } = await cluster.ownerOf(ch);
  const read = async () => (await cluster.metrics(worker)).sum('plexus_commands_total{kind="read"}');

  bob.send({ op: "sub", id: bob.nextId(), ch, since: { epoch, seq: 0 } });
  bob.pause();
  // The gateway reads on at the pace of the client, which is none: at some point it asks for no more pages.
  let pages = -1;
  let unchanged = 0;
  await until("the recovery to wait for the client", async () => {
    const now = await read();
    unchanged = now === pages ? unchanged + 1 : 0;
    pages = now;
    return pages > 1 && unchanged > 20;
  });
  cluster.process(worker).kill("SIGSTOP");
  try {
    bob.resume();
    await bob.closedWith(4003, "recovery_failed");
  } finally {
    cluster.process(worker).kill("SIGCONT");
  }
  assert.notEqual((bob.frames.at(-1) as { reconnect?: unknown }).reconnect, null);
  const first = bob.channel(ch);
  first.assertConsecutive();
  assert.ok(first.received.length > 0 && first.received.length < LARGE_MESSAGES, "a part of it came");

  const again = await cluster.connect("bob");
  await again.sub(ch, { since: first.position });
  await until("the rest", () => again.channel(ch).seqs.at(-1) === LARGE_MESSAGES);
  again.channel(ch).assertConsecutive();
  assert.deepEqual([...first.seqs, ...again.channel(ch).seqs], range(1, LARGE_MESSAGES));
});

test("more frames behind hello than are kept while the token is looked at: 4503", async () => {
  const socket = await RawSocket.upgrade(cluster.url);
  const pings = JSON.stringify(Array.from({ length: 1_000 }, () => ({ op: "ping" })));
  const hello = JSON.stringify({ op: "hello", id: 1, token: await cluster.token("mallory") });
  socket.sendTexts([hello, pings, pings]);
  await socket.receives('"op":"bye","code":"rate_limited"');
  await socket.ended("after the good-bye");
});

test("a gateway that is stopped: 4000 with a time to come back, and every publish has its answer", async () => {
  const ch = "chat.stopped";
  const clients = await Promise.all(
    (["json", "msgpack"] as const).map((encoding) => cluster.connect("ada", { gateway: "g1", encoding })),
  );
  const watcher = await cluster.connect("watcher", { gateway: "g2" });
  await watcher.sub(ch);
  const publishers = clients.map((client) => new CountingPublisher(client, ch, { mids: false, atOnce: 5 }));
  const publishing = publishers.map((publisher) => publisher.run());
  for (const { acknowledged } of publishers) await until("some publishes", () => acknowledged.length > 20);

  const g1 = cluster.process("g1");
  g1.kill("SIGTERM");
  for (const client of clients) {
    const bye = await client.until("the good-bye", ({ op }) => op === "bye");
    const { code, reconnect } = bye as unknown as { code: string; reconnect: { min: number; max: number } };
    assert.equal(code, "draining");
    assert.ok(reconnect.min >= 0 && reconnect.max >= reconnect.min && reconnect.max <= 60_000);
  }
  for (const publisher of publishers) publisher.stop();
  await Promise.all(publishing);
  await Promise.all(clients.map((client) => client.closedWith(4000)));
  assert.deepEqual(await within("its end", g1.exited), { code: 0, signal: null });
  const elsewhere = await cluster.connect("ada");
  assert.equal(elsewhere.gateway, "g2");
  const said = publishers.flatMap(({ acknowledged }) => acknowledged);
  await until("all of it at the watcher", () => watcher.channel(ch).received.length >= said.length);
  watcher.channel(ch).assertConsecutive();
  for (const { errors } of publishers) assert.deepEqual(errors, []);
});
