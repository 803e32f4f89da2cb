/** Presence in a real Redis: leases, who is held by whom, and what remains when Redis is emptied or away. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { BOT_LEASE_MS, type Member } from "@plexus/protocol";
import { COMMAND_TIMEOUT_MS, checkRedis, connectRedis, type Redis } from "@plexus/runtime";
import { type Broker, silent, startRedis, until } from "@plexus/runtime/testing";
import type { Unmirrored } from "./presence.js";
import { LEASE_MS, PresenceStore } from "./presence-store.js";

const KEY = "acme/chat.a";

let broker: Broker;
let redis: Redis;
let store: PresenceStore;

before(async () => {
  broker = await startRedis();
  redis = connectRedis(broker.url, silent);
  await until("Redis answers", async () => (await checkRedis(redis)) === undefined);
});
after(async () => {
  redis.disconnect();
  await broker.stop();
});
beforeEach(async () => {
  await redis.flushall();
  store = new PresenceStore(redis, "eu-1");
});

function member(conn: string, gateway = "g1"): Member & { gateway: string } {
  return { conn, user: "é🙂", state: { x: [1, null] }, since: 5, gateway };
}

function put(...members: Array<ReturnType<typeof member>>): Unmirrored {
  const holds = new Map(members.map(({ gateway }) => [gateway, true]));
  return { changes: members.map((each) => ({ conn: each.conn, member: each })), holds, whole: false };
}

function gone(conns: string[], holds: Array<[gateway: string, some: boolean]>): Unmirrored {
  return { changes: conns.map((conn) => ({ conn, member: undefined })), holds: new Map(holds), whole: false };
}

async function held(gateway: string, of = store): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of of.heldBy(gateway)) keys.push(key);
  return keys.sort();
}

async function members(key = KEY): Promise<Array<ReturnType<typeof member>>> {
  return (await store.load(key)).sort((a, b) => (a.conn < b.conn ? -1 : 1));
}

test("what is written is read back, and what has left is gone", async () => {
  await store.mirror(KEY, put(member("a"), member("b"), member("c", "g2")));
  assert.deepEqual(await members(), [member("a"), member("b"), member("c", "g2")]);
  await store.mirror(KEY, gone(["a", "never"], [["g1", true]]));
  assert.deepEqual(await members(), [member("b"), member("c", "g2")]);
  assert.deepEqual(await members("acme/chat.b"), []);
});

test("a whole list takes the place of what was there", async () => {
  await store.mirror(KEY, put(member("a"), member("b")));
  await store.mirror(KEY, { ...put(member("b"), member("c")), whole: true });
  assert.deepEqual(await members(), [member("b"), member("c")]);
});

test("writing the same again changes nothing", async () => {
  for (let i = 0; i < 3; i++) await store.mirror(KEY, put(member("a")));
  assert.deepEqual([await members(), await held("g1")], [[member("a")], [KEY]]);
});

test("a gateway holds the channels in which it has members, until it has none there", async () => {
  await store.mirror(KEY, put(member("a"), member("b", "g2")));
  await store.mirror("acme/chat.b", put(member("a")));
  assert.deepEqual(await held("g1"), [KEY, "acme/chat.b"]);
  assert.deepEqual(await held("g2"), [KEY]);
  await store.mirror(KEY, gone(["a"], [["g1", false]]));
  assert.deepEqual([await held("g1"), await held("g2")], [["acme/chat.b"], [KEY]]);
  assert.deepEqual(await held("nobody"), []);
});

test("more channels than one page holds are all listed", async () => {
  const keys = Array.from({ length: 1_700 }, (_, i) => `acme/chat.${i}`);
  for (let i = 0; i < keys.length; i += 100)
    await Promise.all(keys.slice(i, i + 100).map((key) => store.mirror(key, put(member("a")))));
  assert.deepEqual(new Set(await held("g1")), new Set(keys));
});

test("a lease keeps its token as long as it is renewed, and gets another once Redis has forgotten it", async () => {
  const token = await store.renew("g1");
  assert.equal(await store.renew("g1"), token);
  assert.notEqual(await store.renew("g2"), token, "each gateway has its own");
  await redis.flushall();
  const next = await store.renew("g1");
  assert.notEqual(next, token);
  assert.equal(await store.renew("g1"), next);
});

test("a lease that nobody renews ends: the gateway is told so, and gets another token", async () => {
  const startedAt = Date.now();
  const token = await store.renew("g1");
  await store.mirror(KEY, put(member("a")));
  assert.deepEqual(await store.endedGateways(), []);
  await until("the lease ends", async () => (await store.endedGateways()).includes("g1"), LEASE_MS * 2);
  assert.ok(Date.now() - startedAt >= LEASE_MS, "not before its time");
  assert.deepEqual(await held("g1"), [KEY]);
  const next = await store.renew("g1");
  assert.notEqual(next, token);
  assert.deepEqual(await store.endedGateways(), [], "it is back");
});

test("a lease that counts as ended is a new one, though its key is still there", async () => {
  const token = await store.renew("g1");
  assert.equal(await store.renew("g1"), token);
  await redis.zadd("plexus:eu-1:gateways", 1, "g1");
  assert.deepEqual(await store.endedGateways(), ["g1"]);
  const next = await store.renew("g1");
  assert.notEqual(next, token, "its members may be leaving: it has to announce them again");
  assert.equal(await store.renew("g1"), next);
  assert.deepEqual(await store.endedGateways(), []);
});

/** Ends a lease as time would. */
async function endLease(gateway: string): Promise<void> {
  await redis.del(`plexus:eu-1:lease:${gateway}`);
  await redis.zadd("plexus:eu-1:gateways", 1, gateway);
}

test("an ended gateway is told again and again until nothing of it is left, and then forgotten", async () => {
  await store.renew("g1");
  await store.mirror(KEY, put(member("a")));
  await endLease("g1");
  await store.forget("g1");
  assert.deepEqual(await store.endedGateways(), ["g1"], "it still holds a channel");
  await store.mirror(KEY, gone(["a"], [["g1", false]]));
  assert.deepEqual(await store.endedGateways(), ["g1"]);
  await store.forget("g1");
  assert.deepEqual(await store.endedGateways(), []);
});

test("a gateway that came back in the meantime is not forgotten", async () => {
  await store.renew("g1");
  await endLease("g1");
  await store.renew("g1");
  await store.forget("g1");
  await endLease("g1");
  assert.deepEqual(await store.endedGateways(), ["g1"]);
});

test("a gateway that has members but never got a lease is noticed, and ends as well", async () => {
  await store.mirror(KEY, put(member("a")));
  assert.deepEqual(await store.endedGateways(), [], "not at once");
  assert.ok(await redis.zscore("plexus:eu-1:gateways", "g1"));
  const dueAt = Number(await redis.zscore("plexus:eu-1:gateways", "g1"));
  await store.mirror(KEY, put(member("b")));
  assert.equal(
    Number(await redis.zscore("plexus:eu-1:gateways", "g1")),
    dueAt,
    "and not put off by writing more",
  );
  await endLease("g1");
  assert.deepEqual(await store.endedGateways(), ["g1"]);
});

test("a channel that lives elsewhere now leaves nothing behind", async () => {
  await store.mirror(KEY, put(member("a"), member("b", "g2")));
  await store.mirror("acme/chat.b", put(member("a")));
  await store.abandon(KEY, ["g1", "g2", "never"]);
  assert.deepEqual([await members(), await held("g1"), await held("g2")], [[], ["acme/chat.b"], []]);
});

test("cells that share a Redis do not share anything in it", async () => {
  const other = new PresenceStore(redis, "us-1");
  await store.mirror(KEY, put(member("a")));
  assert.deepEqual(await other.load(KEY), []);
  assert.deepEqual(await held("g1", other), []);
  assert.notEqual(await other.renew("g1"), await store.renew("g1"));
  await endLease("g1");
  assert.deepEqual([await store.endedGateways(), await other.endedGateways()], [["g1"], []]);
});

test("while Redis is away everything fails at once; emptied, it has forgotten everything, and goes on", async () => {
  await store.mirror(KEY, put(member("a")));
  await broker.kill();
  await until("Redis is away", () => redis.status !== "ready");
  const startedAt = performance.now();
  await assert.rejects(store.load(KEY));
  await assert.rejects(store.mirror(KEY, put(member("b"))));
  await assert.rejects(store.renew("g1"));
  await assert.rejects(held("g1"));
  assert.ok(performance.now() - startedAt < COMMAND_TIMEOUT_MS, "sooner than a single one that waits");
  await broker.restart();
  const answers = () =>
    members().then(
      (some) => some.length === 0,
      () => false,
    );
  await until("Redis is asked again, and has forgotten everything", answers);
  await store.mirror(KEY, put(member("b")));
  assert.deepEqual(await members(), [member("b")]);
});

test("a Redis that hangs costs the first calls their deadline, and then nobody; the first answer ends that", async () => {
  await broker.suspend();
  try {
    await Promise.allSettled([store.load(KEY), store.load(KEY), store.renew("g1")]);
    const startedAt = performance.now();
    for (let i = 0; i < 20; i++)
      await assert.rejects(store.mirror(KEY, put(member("a"))), { code: "unavailable" });
    assert.ok(performance.now() - startedAt < COMMAND_TIMEOUT_MS, "sooner than a single one that waits");
  } finally {
    broker.resume();
  }
  await until("it is asked again", () =>
    store.renew("g1").then(
      () => true,
      () => false,
    ),
  );
  await store.mirror(KEY, put(member("a")));
});

test("a Redis that refuses to write is an error, not silence", async () => {
  await redis.config("SET", "maxmemory", "1");
  try {
    await assert.rejects(store.mirror(KEY, put(member("a"))), /OOM/);
    for (let i = 0; i < 5; i++) await assert.rejects(store.renew("g1"), /OOM/);
  } finally {
    await redis.config("SET", "maxmemory", "0");
  }
});

test("a bot's lease is longer than a gateway's, and noted down apart", async () => {
  const bot = "bot/demo/helper/chat.lobby";
  await store.renew(bot);
  const left = await redis.pttl(`plexus:eu-1:lease:${bot}`);
  assert.ok(left > BOT_LEASE_MS - 10_000 && left <= BOT_LEASE_MS);
  await redis.del(`plexus:eu-1:lease:${bot}`);
  await redis.zadd("plexus:eu-1:bots", 1, bot);
  assert.deepEqual([await store.endedGateways(), await store.endedBots()], [[], [bot]]);
  await store.forget(bot);
  assert.deepEqual(await store.endedBots(), []);
});
