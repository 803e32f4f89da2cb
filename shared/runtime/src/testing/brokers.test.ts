/** The helper that tests get their brokers from: they are there, they hang when told to, and they are gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkNats, connectNats } from "../nats.js";
import { checkRedis, connectRedis } from "../redis.js";
import { silent, startNats, startRedis } from "./brokers.js";
import { isAlive } from "./machine.js";
import { until } from "./until.js";

test("NATS: answers, hangs, comes back, is killed and restarted at its address, and is gone", async () => {
  const broker = await startNats();
  const nats = await connectNats(broker.url, "test", silent);
  assert.equal(await checkNats(nats), undefined);
  await broker.suspend();
  assert.equal(await checkNats(nats, 50), "no answer in time");
  broker.resume();
  await until("NATS answers again", async () => (await checkNats(nats)) === undefined);
  const before = broker.pid;
  await broker.kill();
  await broker.restart();
  assert.notEqual(broker.pid, before);
  await until("NATS answers after a restart", async () => (await checkNats(nats)) === undefined);
  await nats.close();
  await broker.stop();
  assert.equal(isAlive(broker.pid), false);
});

test("Redis: the same; a command fails in time while it hangs, and at once while it is away", async () => {
  const broker = await startRedis();
  const redis = connectRedis(broker.url, silent);
  await until("Redis answers", async () => (await checkRedis(redis)) === undefined);
  await broker.suspend();
  assert.match(String(await checkRedis(redis)), /timed out/i);
  broker.resume();
  await until("Redis answers again", async () => (await checkRedis(redis)) === undefined);
  await broker.kill();
  await until("Redis is away", () => redis.status !== "ready");
  assert.equal(typeof (await checkRedis(redis)), "string");
  await broker.restart();
  await until("Redis answers after a restart", async () => (await checkRedis(redis)) === undefined);
  redis.disconnect();
  await broker.stop();
  assert.equal(isAlive(broker.pid), false);
});

test("several at once have addresses of their own", async () => {
  const brokers = await Promise.all([startNats(), startNats(), startRedis(), startRedis()]);
  assert.equal(new Set(brokers.map(({ url }) => url)).size, brokers.length);
  await Promise.all(brokers.map((broker) => broker.stop()));
});

test("what is waited for and does not come is named, with what went wrong last", async () => {
  const failing = until("a miracle", () => Promise.reject(new Error("not today")), 20);
  await assert.rejects(failing, ({ message, cause }: Error) => {
    assert.match(message, /20 ms: a miracle/);
    assert.match(String(cause), /not today/);
    return true;
  });
  assert.equal(await until("a value", () => 7), 7);
});
