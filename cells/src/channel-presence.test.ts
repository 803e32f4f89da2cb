/** A channel's members while Redis hangs, refuses and comes back: what waits for it, and what is said meanwhile. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { Member } from "@plexus/protocol";
import { deferred, silent, until } from "@plexus/runtime/testing";
import { ChannelPresence } from "./channel-presence.js";
import type { HeldMember } from "./presence.js";
import type { PresenceStore } from "./presence-store.js";

const ALL = { at: null, from: 0 };

/** Questions to Redis that the test answers. */
let loads: Array<ReturnType<typeof deferred<HeldMember[]>>>;
let events: Array<{ join?: Member[] }>;
/** What a write to Redis waits for. */
let written: Promise<void>;
let presence: ChannelPresence;

beforeEach(() => {
  [loads, events, written] = [[], [], Promise.resolve()];
  presence = fresh();
});
afterEach(() => presence.stop());

function fresh(): ChannelPresence {
  const store = {
    load: () => {
      const load = deferred<HeldMember[]>();
      loads.push(load);
      return load.promise;
    },
    mirror: () => written,
    abandon: () => written,
  };
  return new ChannelPresence({
    key: "t/chat.a",
    channel: "chat.a",
    store: store as unknown as PresenceStore,
    announce: (bytes) => events.push(JSON.parse(Buffer.from(bytes).toString()) as (typeof events)[number]),
    log: silent,
  });
}

function member(conn: string, gateway: string): HeldMember {
  return { conn, user: conn, state: null, since: 5, gateway };
}

function joins(conn: string): Promise<void> {
  const { gateway, ...put } = member(conn, "g1");
  return presence.change({ gateway, put: [put], del: [], refresh: false, all: null });
}

test("whoever only compares does not wait for Redis, and is told more once it has answered", async () => {
  assert.equal(presence.seenBy("g1"), null);
  assert.equal(presence.seenBy("g1"), null);
  assert.equal(loads.length, 1, "asked once");
  loads[0]!.resolve([member("a", "g1"), member("b", "g2")]);
  await until("it has answered", () => presence.seenBy("g1") !== null);
  assert.equal(presence.seenBy("g1")?.members, 1);
});

test("while Redis hangs joins are announced and lists answered, soon, and marked as stale", async () => {
  const startedAt = performance.now();
  await joins("a");
  await until("the join is announced", () => events.length === 1);
  const { members, stale } = await presence.page(ALL);
  assert.deepEqual([members.map(({ conn }) => conn), stale], [["a"], true]);
  assert.ok(performance.now() - startedAt < 3_000, "without waiting until it is settled");
});

test("when Redis is back, those who were missing come, and the list is complete", async () => {
  await joins("a");
  await until("it is asked again", () => loads.length === 2);
  loads[1]!.resolve([member("a", "g1"), member("b", "g2")]);
  await until("the other is announced", () => events.some(({ join }) => join?.[0]?.conn === "b"));
  const { members, stale } = await presence.page(ALL);
  assert.deepEqual([members.map(({ conn }) => conn), stale], [["a", "b"], false]);
});

test("nobody is missing from a list that says that it is complete, also just after Redis was asked late", async () => {
  const slow = deferred<void>();
  written = slow.promise;
  await joins("a");
  await until("it is asked again", () => loads.length === 2);
  loads[1]!.resolve([member("a", "g1"), member("b", "g2")]);
  await loads[1]!.promise;
  const lists: string[] = [];
  const read = async () => {
    const { members, stale } = await presence.page(ALL);
    lists.push(`${members.map(({ conn }) => conn).join()} ${stale ? "stale" : "complete"}`);
  };
  for (let i = 0; i < 10; i++) await read();
  slow.resolve();
  await until("it to be complete", () => read().then(() => lists.at(-1)!.endsWith("complete")));
  assert.deepEqual(
    [...new Set(lists)].filter((list) => list !== "a stale"),
    ["a,b complete"],
  );
});

test("a list has everybody who joined before it was asked for, just after another's join too, and nobody twice", async () => {
  for (const conn of ["a", "b", "c"]) {
    const joined = joins(conn);
    loads[0]?.resolve([]);
    await joined;
    const { members } = await presence.page(ALL);
    assert.equal(members.at(-1)?.conn, conn);
  }
  assert.deepEqual(
    events.flatMap(({ join }) => join?.map(({ conn }) => conn)),
    ["a", "b", "c"],
  );
});

test("who reads the list when the channel is put away is answered", async () => {
  const joined = joins("a");
  loads[0]!.resolve([]);
  await joined;
  const list = presence.page(ALL);
  presence.stop();
  assert.equal((await list).stale, false);
});

test("a channel's next home gets those too who were not announced yet, who are told to the others first", async () => {
  const joined = joins("a");
  loads[0]!.resolve([]);
  await joined;
  const { members } = await presence.handOver(ALL);
  assert.deepEqual(
    [members.map(({ conn }) => conn), events.flatMap(({ join }) => join?.map(({ conn }) => conn))],
    [["a"], ["a"]],
  );
});

test("a next home that did not hear the answer gets the same again, whatever Redis does meanwhile", async () => {
  const joined = joins("a");
  loads[0]!.resolve([]);
  await joined;
  const forgotten = deferred<void>();
  written = forgotten.promise;
  const [first, second] = [await presence.handOver(ALL), await presence.handOver(ALL)];
  assert.deepEqual(second, first);
  assert.equal(first.members.length, 1);
  assert.deepEqual([presence.hasMembers, [...presence.gateways], presence.quiet], [false, [], true]);
  forgotten.resolve();
});

test("a lease that ends before the next home has asked leaves a list that does not say it is whole", async () => {
  const joined = joins("a");
  loads[0]!.resolve([member("b", "g2")]);
  await joined;
  await presence.abandon(["g2"]);
  const { members, stale } = await presence.handOver(ALL);
  assert.deepEqual([members, stale], [[], true]);
});

test("a list that a former home gives away while it may lack some is not taken for complete", async () => {
  await joins("a");
  await until("the join is announced", () => events.length === 1);
  const left = await presence.handOver(ALL);
  assert.equal(left.stale, true);
  for (const stale of [true, false]) {
    const next = fresh();
    next.takeOver(async () => ({ ...left, members: [member("a", "g1")], stale }));
    const list = await next.page(ALL);
    assert.deepEqual([list.members.map(({ conn }) => conn), list.stale], [["a"], stale]);
    next.stop();
  }
});

test("a list that takes several pages is taken over with all of them, of one version", async () => {
  await joins("a");
  await until("the join is announced", () => events.length === 1);
  const left = await presence.handOver(ALL);
  const asked: unknown[] = [];
  const next = fresh();
  next.takeOver(async (page) => {
    asked.push(page);
    const [conn, to] = page.from === 0 ? ["a", 1] : ["b", null];
    return { ...left, members: [member(conn as string, "g1")], next: to as number | null, stale: false };
  });
  const { members } = await next.page(ALL);
  assert.deepEqual(members.map(({ conn }) => conn).sort(), ["a", "b"]);
  assert.deepEqual(asked, [ALL, { at: left.version, from: 1 }]);
  next.stop();
});

test("a wall clock that is set back does not keep anybody waiting", { timeout: 10_000 }, async (t) => {
  await joins("a");
  await until("the first is announced", () => events.length === 1);
  t.mock.timers.enable({ apis: ["Date"], now: 1_000 });
  await joins("b");
  await until("the next is announced", () => events.length === 2, 1_000_000);
});
