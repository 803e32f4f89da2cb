/** Questions to a log that does not answer: how many may wait, and what becomes of the next one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Breaker, type NatsConnection } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import { Questions } from "./questions.js";

test("so many questions wait; the newest is refused at once, and those that wait are not", async () => {
  const published: string[] = [];
  const nats = {
    subscribe: () => ({ unsubscribe: () => undefined }),
    publish: (subject: string) => published.push(subject),
    status: () => [],
  };
  const context = { inbox: "i", deadlineMs: 60_000, breaker: new Breaker(), log: silent };
  const questions = new Questions({ ...context, nats: nats as unknown as NatsConnection });
  const waiting = Array.from({ length: 16_384 }, () => questions.ask("log", {}));
  const settled = Promise.allSettled(waiting);
  await assert.rejects(questions.ask("log", {}), { code: "unavailable", retry: 1_000 });
  assert.equal(published.length, 16_384);
  questions.stop();
  assert.ok((await settled).every(({ status }) => status === "rejected"));
});
