import assert from "node:assert/strict";
import { test } from "node:test";
import type { Member } from "@plexus/protocol";
import { type PresenceChange, PresenceSet } from "./presence-set.js";

function member(conn: string, state: unknown = null): Member {
  return { conn, user: `user-${conn}`, state, since: 1 };
}

function summary({ join, leave, update }: PresenceChange): string {
  const list = (members: readonly Member[]) => members.map((m) => m.conn).join(",");
  return `+${list(join)} -${list(leave)} ~${list(update)}`;
}

test("a complete list is compared with what was known", () => {
  const set = new PresenceSet(10);
  assert.equal(summary(set.replace([member("a"), member("b"), member("c")])), "+a,b,c - ~");
  assert.equal(summary(set.replace([member("b"), member("c", { away: true }), member("d")])), "+d -a ~c");
  assert.deepEqual([...set.members.keys()], ["b", "c", "d"]);
  assert.equal(summary(set.replace([])), "+ -b,c,d ~");
});

test("changes are told once, however often they are said", () => {
  const set = new PresenceSet(10);
  set.replace([member("a")]);
  assert.equal(summary(set.apply({ join: [member("a"), member("b")] })), "+b - ~");
  assert.equal(summary(set.apply({ update: [member("a"), member("b", 1)] })), "+ - ~b");
  assert.equal(summary(set.apply({ leave: [member("b"), member("x")] })), "+ -b ~");
  assert.equal(summary(set.apply({ update: [member("late")] })), "+late - ~");
  assert.equal(set.count, 2);
});

test("members beyond the bound, or cut by the gateway, are counted and not listed", () => {
  const set = new PresenceSet(2);
  set.replace([member("a"), member("b"), member("c")], 10);
  assert.deepEqual([set.members.size, set.count], [2, 10]);
  assert.equal(summary(set.apply({ join: [member("d")] })), "+ - ~");
  assert.equal(set.count, 11);
  set.apply({ leave: [member("hidden"), member("a")] });
  assert.deepEqual([set.members.size, set.count], [1, 9]);
  // One of the hidden shows itself: it takes the free place.
  assert.equal(summary(set.apply({ update: [member("c", 1)] })), "+c - ~");
  assert.deepEqual([set.members.size, set.count], [2, 9]);
});
