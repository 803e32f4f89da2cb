/** The set of a channel's members: what is announced, what is shown, and what is written to Redis. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { MAX_STATE_BYTES, type Member } from "@plexus/protocol";
import type { PresenceChange } from "@plexus/runtime";
import { MAX_MEMBERS, type PresenceEvent, PresenceSet } from "./presence.js";

let set: PresenceSet;

beforeEach(() => {
  set = new PresenceSet("life");
});

function member(conn: string, state: unknown = null): Member {
  return { conn, user: `user of ${conn}`, state, since: 1 };
}

function change(gateway: string, what: Partial<PresenceChange>): string[] {
  return set.apply({ gateway, put: [], del: [], refresh: false, all: null, ...what });
}

function put(gateway: string, ...conns: string[]): string[] {
  return change(gateway, { put: conns.map((conn) => member(conn)) });
}

/** An event in short: `+a -b ~c` for join, leave and update. */
function short(event: PresenceEvent | null): string | null {
  if (event === null) return null;
  const { join, leave, update } = event;
  const signed = (sign: string, members: Member[]) => members.map(({ conn }) => sign + conn);
  return [...signed("+", join), ...signed("-", leave), ...signed("~", update)].join(" ");
}

function conns(): string[] {
  return set.page({ at: null, from: 0 }).members.map(({ conn }) => conn);
}

test("who comes, goes and changes is announced once, with a version that counts up", () => {
  put("g1", "a", "b");
  assert.deepEqual(set.takeEvent(), {
    version: ["life", 1],
    join: [member("a"), member("b")],
    leave: [],
    update: [],
  });
  assert.equal(set.takeEvent(), null);
  change("g1", { put: [member("a", "typing")], del: ["b"] });
  const event = set.takeEvent();
  assert.deepEqual([event?.version, event?.update], [["life", 2], [member("a", "typing")]]);
  assert.equal(short(event), "-b ~a");
  assert.deepEqual([set.size, set.changed], [1, false]);
});

test("what comes and goes again between two events is not announced", () => {
  put("g1", "a");
  change("g1", { del: ["a"] });
  assert.equal(set.takeEvent(), null);
  assert.deepEqual([set.changed, set.version], [false, ["life", 0]]);
});

test("what goes and comes again between two events is not announced, unless it changed", () => {
  put("g1", "a", "b");
  set.takeEvent();
  change("g1", { del: ["a", "b"] });
  change("g1", { put: [member("a"), member("b", "new")] });
  assert.equal(short(set.takeEvent()), "~b");
});

test("several changes of one member are one, with the last state", () => {
  put("g1", "a");
  for (const state of [1, 2, { deep: [3] }]) change("g1", { put: [member("a", state)] });
  assert.deepEqual(set.takeEvent()?.join, [member("a", { deep: [3] })]);
});

test("a repeated announcement of the same is none", () => {
  change("g1", { put: [member("a", { x: 1 })] });
  set.takeEvent();
  change("g1", { put: [member("a", { x: 1 })], refresh: true });
  assert.equal(set.changed, false);
});

test("a gateway can't take away what another one holds", () => {
  put("g1", "a");
  change("g2", { del: ["a"] });
  change("g2", { all: [] });
  set.drop("g2");
  assert.deepEqual(short(set.takeEvent()), "+a");
});

test("a connection that another gateway announces is held by that one from then on, without a word", () => {
  put("g1", "a");
  set.takeEvent();
  put("g2", "a");
  assert.deepEqual([set.membersOf("g1"), set.membersOf("g2")], [0, 1]);
  assert.equal(set.takeEvent(), null);
  set.drop("g1");
  assert.deepEqual(conns(), ["a"]);
});

test("`all` says who is here: whoever else the gateway had is gone", () => {
  put("g1", "a", "b", "c");
  put("g2", "d");
  set.takeEvent();
  change("g1", { put: [member("e")], all: ["b", "e"] });
  assert.equal(short(set.takeEvent()), "+e -a -c");
  assert.deepEqual([set.membersOf("g1"), set.membersOf("g2")], [2, 1]);
});

test("a gateway whose lease ended loses all members, and no other does", () => {
  put("g1", "a", "b");
  put("g2", "c");
  set.takeEvent();
  set.drop("g1");
  assert.equal(short(set.takeEvent()), "-a -b");
  assert.deepEqual([set.membersOf("g1"), set.size], [0, 1]);
  set.drop("g1");
  assert.equal(set.changed, false, "once");
});

test("a great many changes are announced in several events, one version each", () => {
  const many = Array.from({ length: 1_100 }, (_, i) => `c${i}`);
  put("g1", ...many);
  const joined: string[] = [];
  for (let version = 1; version <= 3; version++) {
    const event = set.takeEvent();
    assert.deepEqual(event?.version, ["life", version]);
    assert.ok((event?.join.length ?? 0) <= 500);
    joined.push(...(event?.join ?? []).map(({ conn }) => conn));
    assert.deepEqual(conns().sort(), [...joined].sort(), "what is shown is what was announced");
  }
  assert.equal(set.takeEvent(), null);
  assert.equal(joined.length, many.length);
});

test("an event fits a message of the bus, however large the states are: the rest goes into the next", () => {
  const state = "\u20ac".repeat((MAX_STATE_BYTES - 2) / 3);
  const conns = Array.from({ length: 500 }, (_, i) => `c${i}`);
  change("g1", { put: conns.map((conn) => member(conn, state)) });
  const joined: string[] = [];
  for (let event = set.takeEvent(); event !== null; event = set.takeEvent()) {
    assert.ok(Buffer.byteLength(JSON.stringify(event)) < 512 * 1024);
    joined.push(...event.join.map(({ conn }) => conn));
  }
  assert.deepEqual(joined, conns);
});

test("what is not announced yet is not shown, and who has not been announced as gone still is", () => {
  put("g1", "a", "b");
  set.takeEvent();
  change("g1", { put: [member("c"), member("a", "new")], del: ["b"] });
  const { version, members } = set.page({ at: null, from: 0 });
  assert.deepEqual(version, ["life", 1]);
  assert.deepEqual(
    members.sort((x, y) => (x.conn < y.conn ? -1 : 1)),
    [member("a"), member("b")],
  );
});

test("a full set refuses whoever is new, says who, and takes everything else", () => {
  put("g1", ...Array.from({ length: MAX_MEMBERS - 1 }, (_, i) => `c${i}`));
  assert.deepEqual(put("g2", "x", "y", "z"), ["y", "z"]);
  assert.equal(set.size, MAX_MEMBERS);
  assert.deepEqual(change("g1", { put: [member("c0", "new")] }), []);
  change("g1", { del: ["c1"] });
  assert.deepEqual(put("g2", "y"), []);
});

test("what Redis remembers is there from the beginning, without a word and without being written again", () => {
  set.restore([{ ...member("a"), gateway: "g1" }]);
  assert.deepEqual([set.changed, set.mirrored, set.membersOf("g1")], [false, true, 1]);
  assert.deepEqual(conns(), ["a"]);
  set.drop("g1");
  assert.equal(short(set.takeEvent()), "-a");
});

test("what Redis could only tell late is announced, except what is known better by now", () => {
  change("g1", { put: [member("a", "newer")] });
  set.takeEvent();
  set.restoreLate([
    { ...member("a", "older"), gateway: "g1" },
    { ...member("b"), gateway: "g2" },
  ]);
  assert.equal(short(set.takeEvent()), "+b");
  assert.deepEqual(set.page({ at: null, from: 0 }).members[0], member("a", "newer"));
});

test("until those who were read late are announced the list may lack some, and says so", () => {
  put("g1", "a");
  set.takeEvent();
  put("g2", "b");
  set.restoreLate(["a", "b", "c"].map((conn) => ({ ...member(conn), gateway: "g1" })));
  const { members, stale } = set.page({ at: null, from: 0 });
  assert.deepEqual([members.map(({ conn }) => conn), stale], [["a"], true]);
  assert.equal(short(set.takeEvent()), "+b +c");
  assert.deepEqual([conns(), set.page({ at: null, from: 0 }).stale], [["a", "b", "c"], false]);
});

test("a list that was begun while some may have been missing says so to its last page", () => {
  const large = "x".repeat(200_000);
  change("g1", { put: ["a", "b", "c"].map((conn) => member(conn, large)) });
  assert.deepEqual([short(set.takeEvent()), short(set.takeEvent())], ["+a +b", "+c"]);
  const first = set.page({ at: null, from: 0 }, { stale: true });
  assert.ok(first.next !== null);
  set.restoreLate([{ ...member("d"), gateway: "g2" }]);
  assert.equal(short(set.takeEvent()), "+d");
  const last = set.page({ at: first.version, from: first.next });
  assert.deepEqual([last.members.map(({ conn }) => conn), last.next, last.stale], [["c"], null, true]);
});

test("what a previous home hands over is not announced, but written to this cell's Redis", () => {
  put("g1", "a");
  set.takeEvent();
  set.takeUnmirrored();
  set.takeOver([
    { ...member("a"), gateway: "g9" },
    { ...member("b"), gateway: "g2" },
  ]);
  assert.equal(set.takeEvent(), null);
  const { changes, holds } = set.takeUnmirrored();
  assert.deepEqual(changes, [{ conn: "b", member: { ...member("b"), gateway: "g2" } }]);
  assert.deepEqual([...holds], [["g2", true]]);
  assert.equal(set.membersOf("g1"), 1);
});

test("whoever hands over forgets everybody without a word, and says who held them", () => {
  put("g1", "a");
  put("g2", "b");
  assert.deepEqual(set.abandon().sort(), ["g1", "g2"]);
  assert.deepEqual([set.size, set.changed, set.mirrored, set.takeEvent()], [0, false, true, null]);
});

test("a refresh writes everything again though nothing changed: Redis may have been emptied", () => {
  put("g1", "a", "b");
  set.takeEvent();
  set.takeUnmirrored();
  assert.ok(set.mirrored);
  change("g1", { put: [member("a")], refresh: true });
  const { changes, holds } = set.takeUnmirrored();
  assert.deepEqual(
    changes.map(({ conn }) => conn),
    ["a"],
  );
  assert.deepEqual([...holds], [["g1", true]]);
});

test("a gateway that lost its last member no longer holds the channel", () => {
  put("g1", "a");
  set.takeUnmirrored();
  change("g1", { del: ["a"] });
  assert.deepEqual([...set.takeUnmirrored().holds], [["g1", false]]);
});

test("while Redis is away those who come and go are not remembered one by one: then all who are here are written", () => {
  put("g1", "stays");
  for (let i = 0; i <= 2 * MAX_MEMBERS; i++) {
    put("g1", `c${i}`);
    change("g1", { del: [`c${i}`] });
  }
  const first = set.takeUnmirrored();
  assert.deepEqual([first.whole, first.changes.map(({ conn }) => conn)], [true, ["stays"]]);
  assert.ok(set.mirrored);
  set.unmirror(first);
  assert.equal(set.mirrored, false);
  assert.equal(set.takeUnmirrored().whole, true, "what could not be written is still to be written");
  put("g1", "later");
  assert.equal(set.takeUnmirrored().whole, false);
});

test("a bot that joins again keeps the time since when, and so announces nothing", () => {
  const join = (since: number, state: unknown = null) =>
    change("bot/demo/b/a", { put: [{ ...member("bot-b", state), since }], refresh: true, keepSince: true });
  join(5);
  assert.equal(short(set.takeEvent()), "+bot-b");
  join(9);
  assert.equal(set.takeEvent(), null);
  join(12, "busy");
  assert.deepEqual(set.takeEvent()?.update, [{ ...member("bot-b", "busy"), since: 5 }]);
  change("bot/demo/b/a", { del: ["bot-b"] });
  set.takeEvent();
  join(20);
  assert.equal(set.takeEvent()?.join[0]?.since, 20);
});
