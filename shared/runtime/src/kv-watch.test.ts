/** A bucket that is watched for ever: over entries that make no sense, and over a server that is away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { watchBucket } from "./kv-watch.js";
import { natsForFile, silent, until } from "./testing/index.js";

const bus = natsForFile();

test("an entry that can't be taken keeps none from coming, and the watch goes on when the server is back", async () => {
  const { broker, nats } = bus;
  const kv = await new Kvm(jetstream(nats)).create("bucket", { history: 1 });
  const seen = new Map<string, unknown>();
  let taken = 0;
  const stop = watchBucket({
    nats,
    kv,
    what: "test",
    log: silent,
    take: (entry) => {
      taken++;
      seen.set(entry.key, entry.json());
    },
  });
  try {
    await kv.put("a", "no JSON");
    await kv.put("b", "1");
    await until("what comes behind it is seen", () => seen.get("b") === 1);
    assert.equal(taken, 2, "nothing was begun anew for it");
    await broker.kill();
    await broker.restart();
    await until("the server is back", async () => (await kv.put("c", "2")) > 0);
    await until("it is watched again", () => seen.get("c") === 2);
    stop();
    const before = taken;
    await kv.put("d", "3");
    await nats.flush();
    assert.equal(taken, before);
  } finally {
    stop();
  }
});
