/** Who is here: across gateways, through the death of gateways and workers, and through what happens to Redis. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inTime, untilQuick } from "@plexus/runtime/testing";
import { clusterForFile } from "./harness/cluster.js";
import { eventsOf, memberConns, membersAre, type PresenceEvent } from "./harness/members.js";
import type { RawClient } from "./harness/raw-client.js";
import { mirroredMembers, openRedis } from "./harness/redis.js";
import { staysTrue, until, within } from "./harness/wait.js";

/** Promised: members of a gateway that was killed are gone within this. */
const GONE_WITHIN_MS = 10_000;
/** However slow the machine is. */
const LATEST_GONE_MS = 40_000;
/** Longer than a lease, so that all of them have ended while Redis was frozen. */
const FREEZE_MS = 7_000;
/** Messages do not wait for presence, whatever happens to it: they take no longer than where nobody is present, but this. */
const MESSAGE_WITHIN_MS = 1_000;

const cluster = clusterForFile({ gateways: 2, workers: 2 });

/** So many members of a channel on a gateway. */
async function members(n: number, ch: string, gateway: string): Promise<RawClient[]> {
  const clients = await Promise.all(
    Array.from({ length: n }, (_, i) => cluster.connect(`${gateway}-user-${i}`, { gateway })),
  );
  await Promise.all(clients.map((client) => client.sub(ch, { presence: true })));
  return clients;
}

/** One who sees, and is itself a member. */
async function watcher(ch: string, gateway: string): Promise<RawClient> {
  const [client] = await members(1, ch, gateway);
  return client!;
}

test("members of one gateway are seen on the other, connection by connection", async () => {
  const ch = "chat.across";
  const here = await watcher(ch, "g1");
  const there = await watcher(ch, "g2");
  const phone = await cluster.connect("ada", { gateway: "g1", encoding: "msgpack" });
  const desk = await cluster.connect("ada", { gateway: "g2" });
  for (const client of [phone, desk]) await client.sub(ch, { presence: true });
  for (const client of [here, there]) await membersAre(client, ch, [here, there, phone, desk]);
  await phone.ok({ op: "state", ch, data: { on: "phone" } });
  for (const client of [here, there])
    await until("the state", () =>
      eventsOf(client, ch).some(({ kind, member }) => {
        return (
          kind === "update" && member.conn === phone.conn && (member.state as { on?: string }).on === "phone"
        );
      }),
    );
  phone.cut();
  for (const client of [here, there]) {
    await membersAre(client, ch, [here, there, desk]);
    const left = eventsOf(client, ch).filter(({ kind }) => kind === "leave");
    assert.deepEqual(
      left.map(({ member }) => member.conn),
      [phone.conn],
    );
  }
  const late = await cluster.connect("late", { gateway: "g1" });
  const { members: snapshot, count } = await late.sub(ch, { presence: true });
  assert.equal(count, 3);
  assert.deepEqual(
    snapshot?.map(({ conn }) => conn).sort(),
    [here, there, desk].map(({ conn }) => conn).sort(),
  );
});

test("many changes at once come in few events, and the last state counts", async () => {
  const ch = "chat.coalesced";
  const seeing = await watcher(ch, "g2");
  const crowd = await members(40, ch, "g1");
  await until("all joins", () => eventsOf(seeing, ch).filter(({ kind }) => kind === "join").length === 41);
  const frames = () => seeing.frames.filter(({ op }) => op === "presence").length;
  assert.ok(frames() <= 20, `41 joins in ${frames()} events`);
  const before = frames();
  for (let i = 1; i <= 100; i++) crowd[0]!.send({ op: "state", id: 1_000 + i, ch, data: i });
  await until("the last state", () => eventsOf(seeing, ch).at(-1)?.member.state === 100);
  assert.ok(frames() - before <= 20, `100 states in ${frames() - before} events`);
  const states = eventsOf(seeing, ch)
    .filter(({ kind }) => kind === "update")
    .map(({ member }) => member.state);
  assert.deepEqual(
    states,
    [...states].sort((a, b) => Number(a) - Number(b)),
    "states in their order",
  );
});

test("members of a killed gateway are gone within 10 s, announced once", () =>
  untilQuick("workers to see in time that a gateway is gone", async (attempt) => {
    const channels = [`chat.killed-1-${attempt}`, `chat.killed-2-${attempt}`];
    const seeing = await cluster.connect("watcher", { gateway: "g2" });
    for (const ch of channels) await seeing.sub(ch, { presence: true });
    const lost = (await Promise.all(channels.map((ch) => members(5, ch, "g1")))) as RawClient[][];
    for (const [i, ch] of channels.entries()) await membersAre(seeing, ch, [seeing, ...lost[i]!]);

    const restarted = new Promise((resolve) => cluster.cluster.events.once("restart", resolve));
    const killedAt = performance.now();
    const leaves = (ch: string) => eventsOf(seeing, ch).filter(({ kind }) => kind === "leave");
    // A worker that was held up gives everybody a lease more, since it may have been the one that did not listen.
    const quick = await inTime("the leave", GONE_WITHIN_MS, async () => {
      cluster.process("g1").kill("SIGKILL");
      for (const ch of channels) await until("all to leave", () => leaves(ch).length >= 5, LATEST_GONE_MS);
    });
    assert.ok(performance.now() - killedAt > 1_000, "a short absence is no leave");
    await within("the restart", restarted);

    const once = () => channels.every((ch) => leaves(ch).length === 5);
    assert.ok(await staysTrue(once, 2_500), "nobody leaves twice");
    for (const [i, ch] of channels.entries()) {
      assert.deepEqual(
        leaves(ch)
          .map(({ member }) => member.conn)
          .sort(),
        memberConns(lost[i]!),
      );
      await membersAre(seeing, ch, [seeing]);
    }
    const redis = openRedis(cluster.dev.redisUrl);
    cluster.beforeStop(() => redis.disconnect());
    await until("the dead gateway to be forgotten", async () => {
      const held = await redis.keys("plexus:*:held:*");
      return held.every((key) => !key.includes(lost[0]![0]!.conn.replace(/-[^-]*$/, "")));
    });
    return quick;
  }));

test("after FLUSHALL everything is rebuilt, and nobody sees anything", async () => {
  const ch = "chat.flushed";
  const seeing = [await watcher(ch, "g1"), await watcher(ch, "g2")];
  const others = [...(await members(3, ch, "g1")), ...(await members(3, ch, "g2"))];
  await others[0]!.ok({ op: "state", ch, data: { mood: "calm" } });
  for (const client of seeing) await membersAre(client, ch, [...seeing, ...others]);
  const redis = openRedis(cluster.dev.redisUrl);
  cluster.beforeStop(() => redis.disconnect());
  const complete = async () => {
    const fields = Object.values(await mirroredMembers(redis, ch));
    return fields.length === 8 && fields.some((json) => json.includes("calm"));
  };
  await until("the mirror to be complete", complete);
  const isCalm = ({ member }: PresenceEvent) => JSON.stringify(member.state) === '{"mood":"calm"}';
  for (const client of seeing) await until("the state to be shown", () => eventsOf(client, ch).some(isCalm));
  const before = await mirroredMembers(redis, ch);
  const snapshot = (await seeing[0]!.presence(ch)).members.sort((a, b) => (a.conn < b.conn ? -1 : 1));
  const shown = seeing.map((client) => eventsOf(client, ch).length);

  await redis.flushall();
  await until("the mirror to be rebuilt", complete);
  assert.deepEqual(await mirroredMembers(redis, ch), before);
  const fresh = await cluster.connect("fresh");
  const rebuilt = (await fresh.presence(ch)).members.sort((a, b) => (a.conn < b.conn ? -1 : 1));
  assert.deepEqual(rebuilt, snapshot);
  const silent = () => seeing.every((client, i) => eventsOf(client, ch).length === shown[i]);
  assert.ok(await staysTrue(silent, 2_500), "no join, leave or update is shown");
});

/** Publishes a message, and says how long that took. */
async function published(client: RawClient, ch: string): Promise<number> {
  const startedAt = performance.now();
  await client.pub(ch, "while frozen");
  return performance.now() - startedAt;
}

test("while Redis is frozen messages flow and presence answers; afterwards it is complete", async () => {
  const ch = "chat.frozen";
  const seeing = await watcher(ch, "g1");
  const [other] = await members(1, ch, "g2");
  await membersAre(seeing, ch, [seeing, other!]);
  const shown = eventsOf(seeing, ch).length;
  const redis = cluster.process("redis");
  const newcomers: RawClient[] = [];
  redis.kill("SIGSTOP");
  try {
    const thawAt = performance.now() + FREEZE_MS;
    while (performance.now() < thawAt) {
      const [tookMs, besideMs] = await Promise.all(
        [ch, "chat.no-members"].map((name) => published(other!, name)),
      );
      assert.ok(tookMs! - besideMs! < MESSAGE_WITHIN_MS, "a message does not wait for Redis");
      const { members: list, stale } = await seeing.presence(ch);
      assert.ok(stale === true || list.length >= 2, "the list is complete or says that it is not");
      if (newcomers.length < 2) {
        // One more in a channel that is known, one in a channel that has to be begun without Redis.
        const newcomer = await cluster.connect("newcomer");
        await newcomer.sub(newcomers.length === 0 ? ch : "chat.begun-frozen", { presence: true });
        newcomers.push(newcomer);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    redis.kill("SIGCONT");
  }
  const [known, begun] = newcomers as [RawClient, RawClient];
  for (const [asked, name, who] of [
    [seeing, ch, [seeing, other!, known]],
    [begun, "chat.begun-frozen", [begun]],
  ] as const) {
    await membersAre(asked, name, [...who]);
    await until("the list to be sure", async () => (await asked.presence(name)).stale !== true);
  }
  await until("the newcomer's join", () => eventsOf(seeing, ch).length > shown);
  const later = () => eventsOf(seeing, ch).slice(shown);
  assert.ok(await staysTrue(() => later().length === 1, 2_500), JSON.stringify(later()));
  assert.deepEqual(
    later().map(({ kind, member }) => [kind, member.conn]),
    [["join", known.conn]],
  );
  seeing.channel(ch).assertConsecutive();
});

test("members outlive the worker that kept them", async () => {
  const ch = "chat.worker-killed";
  const seeing = await watcher(ch, "g1");
  const others = await members(3, ch, "g2");
  await membersAre(seeing, ch, [seeing, ...others]);
  await until("all joins", () => eventsOf(seeing, ch).filter(({ kind }) => kind === "join").length === 4);
  const shown = eventsOf(seeing, ch).length;
  const { worker } = await cluster.ownerOf(ch);
  const restarted = new Promise((resolve) => cluster.cluster.events.once("restart", resolve));
  cluster.process(worker).kill("SIGKILL");
  await seeing.pub(ch, "answered by the successor");
  const fresh = await cluster.connect("fresh");
  await membersAre(fresh, ch, [seeing, ...others]);
  others[0]!.cut();
  await until("the leave", () => eventsOf(seeing, ch).length > shown);
  await within("the restart", restarted);
  await membersAre(seeing, ch, [seeing, ...others.slice(1)]);
  const later = eventsOf(seeing, ch).slice(shown);
  assert.deepEqual(
    later.map(({ kind, member }) => [kind, member.conn]),
    [["leave", others[0]!.conn]],
  );
});
