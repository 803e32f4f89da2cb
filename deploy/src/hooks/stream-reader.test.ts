/** A stream that is read for ever, over a server that goes away and has not everything ready when it is back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connectNats } from "@plexus/runtime";
import { silent, startNats, until } from "@plexus/runtime/testing";
import { StreamReader } from "./stream-reader.js";

const STREAM = "things";
const WITHIN_MS = 20_000;

test("a server that is back is read from as soon as it has the stream, nothing twice, nothing left out", async () => {
  const broker = await startNats();
  const nats = await connectNats(broker.url, "test", silent);
  const manager = await jetstreamManager(nats, { checkAPI: false });
  await manager.streams.add({ name: STREAM, subjects: ["things"], storage: StorageType.File });
  const client = jetstream(nats);
  const reader = new StreamReader({ nats, open: async () => client, stream: STREAM, ahead: 10, log: silent });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const message of reader.read({ after: 0 })) seen.push(message.json<number>());
  })();
  try {
    await client.publish("things", "1");
    await until("the first one", () => seen.length === 1);
    await broker.kill();
    // A server in a cluster answers before its streams do.
    await broker.restart({ jetstream: false });
    await until("it to answer", () =>
      nats.rtt().then(
        () => true,
        () => false,
      ),
    );
    await assert.rejects(manager.streams.info(STREAM));
    await broker.kill();
    await broker.restart();
    await until(
      "it to store",
      () =>
        client.publish("things", "2").then(
          () => true,
          () => false,
        ),
      WITHIN_MS,
    );
    await until("the second one", () => seen.length === 2, WITHIN_MS);
    await client.publish("things", "3");
    await until("the third one", () => seen.length === 3);
    assert.deepEqual(seen, [1, 2, 3]);
  } finally {
    reader.stop();
    await reading;
    await nats.close();
    await broker.stop();
  }
});
