/** What a router does with commands whose receiver died before it answered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./testing/index.js";
import { answerHeads, headOf, routersForFile } from "./testing/routers.js";

const PARTITIONS = "cmd.eu-1.*";

const stage = routersForFile();

test("what went to somebody who is gone is sent again as soon as the next command meets nobody there", async () => {
  const router = stage.router({ attemptMs: 60_000 });
  const ask = () => router.ask("head", "t", "chat.7", { gateway: "g" });
  const { received, subscription } = await stage.serve(PARTITIONS, () => undefined);
  const first = ask();
  await until("the first command to arrive", () => received.length === 1);
  subscription.unsubscribe();
  await stage.cells.flush();
  const second = ask();
  router.flush();
  await stage.nats.flush(); // its 503 is here
  await stage.serve(PARTITIONS, answerHeads);
  assert.deepEqual(await Promise.all([first, second]), [headOf("chat.7"), headOf("chat.7")]);
});

test("what was under way when the bus was lost is sent again as soon as it is back", async () => {
  const router = stage.router({ deadlineMs: 30_000, attemptMs: 60_000 });
  const { received } = await stage.serve(PARTITIONS, (each) => {
    if (received.length > 1) answerHeads(each); // the first one is lost with the bus
  });
  const asked = router.ask("head", "t", "chat.7", { gateway: "g" });
  await until("the command to arrive", () => received.length === 1);
  await stage.broker.kill();
  await stage.broker.restart();
  assert.deepEqual(await asked, headOf("chat.7"));
});
