/** A namespace where only the present counts: a reader that stops is not closed, and is spared what it can't take. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

const CH = "ticker.eur";
const MESSAGE = "x".repeat(30_000);
/** The kernel takes 10 to 38 MB for each socket, by its settings, before the gateway notices: 12, 24 and 48 are tried. */
const FIRST_PAUSE_MESSAGES = 400;
const MOST_MESSAGES = 4_000;
const SPARED = 50;

const cluster = clusterForFile({ settings: { namespaces: { ticker: { slowReader: "latest" } } } });

test("slow readers stay, get the latest, and are told what was left out; quick ones get everything", async () => {
  const slow = await Promise.all([
    cluster.connect("slow-json"),
    cluster.connect("slow-msgpack", { encoding: "msgpack" }),
  ]);
  const [publisher, quick] = await Promise.all([cluster.connect("ada"), cluster.connect("quick")]);
  for (const client of [...slow, quick]) await client.sub(CH);
  for (const client of slow) client.pause();
  let published = 0;
  let pauseMessages = FIRST_PAUSE_MESSAGES;
  let resumeAt = pauseMessages;
  // Behind the kernel's buffers: the reader is spared once it has read those, so it is let go now and then until it has
  // everything there is.
  while (slow.some((client) => client.channel(CH).skips < SPARED)) {
    assert.ok(published < MOST_MESSAGES, "slow readers are spared after some megabytes");
    await Promise.all(Array.from({ length: 8 }, () => publisher.pub(CH, MESSAGE)));
    published += 8;
    if (published < resumeAt) continue;
    for (const client of slow) client.resume();
    await until("a slow reader to catch up", () =>
      slow.every((client) => client.channel(CH).position.seq >= published),
    );
    for (const client of slow) client.pause();
    pauseMessages *= 2;
    resumeAt += pauseMessages;
  }
  for (const client of slow) client.resume();
  const last = await publisher.pub(CH, "the last");
  for (const client of [...slow, quick])
    await until("the last", () => client.channel(CH).position.seq === last.seq);
  for (const client of slow) {
    const watch = client.channel(CH);
    watch.assertConsecutive();
    assert.ok(client.isOpen);
    assert.ok(watch.skips > 0);
    assert.equal(watch.received.length + watch.skips, last.seq);
    assert.equal(watch.data.at(-1), "the last");
  }
  const spared = (await cluster.metrics("g1")).sum("plexus_skipped_messages_total");
  assert.equal(spared, slow[0]!.channel(CH).skips + slow[1]!.channel(CH).skips);
  assert.equal(quick.channel(CH).skips, 0);
  assert.equal(quick.channel(CH).received.length, last.seq);
  quick.channel(CH).assertConsecutive();
  assert.ok(quick.isOpen);
});
