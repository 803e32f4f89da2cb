/** What a router does with commands whose receiver died before it answered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeCommands, encodeAnswers } from "./commands.js";
import type { Directory } from "./directory.js";
import type { DirectoryStore } from "./directory-store.js";
import { connectNats } from "./nats.js";
import { Router } from "./router.js";
import { silent, startNats, until } from "./testing/index.js";

const DIRECTORY: Directory = {
  version: 1,
  cells: [{ id: "eu-1", region: "eu", state: "active", weight: 1 }],
};
const HEAD = { head: { epoch: "e", seq: 7 }, presence: null, members: 0 };

test("what went to somebody who is gone is sent again as soon as the next command meets nobody there", async () => {
  const broker = await startNats();
  const nats = await connectNats(broker.url, "router", silent);
  const cell = await connectNats(broker.url, "cell", silent);
  const directory = { current: DIRECTORY } as unknown as DirectoryStore;
  const options = { deadlineMs: 5_000, attemptMs: 60_000 };
  const router = new Router({ nats, directory, asker: "g1", log: silent, options });
  const ask = () => router.ask("head", "t", "chat.7", { gateway: "g" });
  try {
    let received = 0;
    const deaf = cell.subscribe("cmd.eu-1.*", { callback: () => void received++ });
    await cell.flush();
    const first = ask();
    await until("the first command to arrive", () => received === 1);
    deaf.unsubscribe();
    await cell.flush();
    const second = ask();
    router.flush();
    await nats.flush(); // its 503 is here
    cell.subscribe("cmd.eu-1.*", {
      callback: (_, message) => {
        const answers = decodeCommands(message.data).map(([id]) => [id, null, HEAD] as const);
        message.respond(encodeAnswers(answers));
      },
    });
    assert.deepEqual(await Promise.all([first, second]), [HEAD, HEAD]);
  } finally {
    router.stop();
    await nats.close();
    await cell.close();
    await broker.stop();
  }
});

test("what was under way when the bus was lost is sent again as soon as it is back", async () => {
  const broker = await startNats();
  const nats = await connectNats(broker.url, "router", silent);
  const cell = await connectNats(broker.url, "cell", silent);
  const directory = { current: DIRECTORY } as unknown as DirectoryStore;
  const options = { deadlineMs: 30_000, attemptMs: 60_000 };
  const router = new Router({ nats, directory, asker: "g1", log: silent, options });
  try {
    let received = 0;
    cell.subscribe("cmd.eu-1.*", {
      callback: (_, message) => {
        if (++received === 1) return; // this one is lost with the bus
        const answers = decodeCommands(message.data).map(([id]) => [id, null, HEAD] as const);
        message.respond(encodeAnswers(answers));
      },
    });
    await cell.flush();
    const asked = router.ask("head", "t", "chat.7", { gateway: "g" });
    await until("the command to arrive", () => received === 1);
    await broker.kill();
    await broker.restart();
    assert.deepEqual(await asked, HEAD);
  } finally {
    router.stop();
    await nats.close();
    await cell.close();
    await broker.stop();
  }
});
