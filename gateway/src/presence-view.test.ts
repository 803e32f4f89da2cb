/** The members as a gateway shows them: each change once, and the truth in the end. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Member } from "@plexus/protocol";
import fc from "fast-check";
import { type PresenceDifference, PresenceView } from "./presence-view.js";

let view: PresenceView;

beforeEach(() => {
  view = new PresenceView();
});

function member(conn: string, state: unknown = null): Member {
  return { conn, user: "u", state, since: 1 };
}

/** A difference in short: `+a -b ~c` for join, leave and update. */
function short(difference: PresenceDifference | null | "missed"): string | null {
  if (difference === null || difference === "missed") return difference;
  const signed = (sign: string, members: Member[] = []) => members.map(({ conn }) => sign + conn);
  const { join, leave, update } = difference;
  return [...signed("+", join), ...signed("-", leave), ...signed("~", update)].join(" ");
}

function conns(): string {
  return view
    .members()
    .map(({ conn }) => conn)
    .sort()
    .join();
}

test("without a list, an event is missed: there is nothing to apply it to", () => {
  assert.equal(view.event({ v: ["life", 1], join: [member("a")] }), "missed");
  assert.deepEqual([view.version, view.members()], [null, []]);
});

test("the first list is all new", () => {
  assert.equal(short(view.snapshot(["life", 3], [member("a"), member("b")])), "+a +b");
  assert.deepEqual(view.version, ["life", 3]);
  assert.equal(view.snapshot(["life", 3], [member("a"), member("b")]), null);
});

test("the event that follows is shown as it is", () => {
  view.snapshot(["life", 3], [member("a"), member("b")]);
  const event = {
    v: ["life", 4] as const,
    join: [member("c")],
    leave: [member("a")],
    update: [member("b", 1)],
  };
  assert.equal(short(view.event(event)), "+c -a ~b");
  assert.equal(conns(), "b,c");
});

test("an event that is known already is not shown again", () => {
  view.snapshot(["life", 3], [member("a")]);
  assert.equal(view.event({ v: ["life", 3], join: [member("a")] }), null);
  assert.equal(view.event({ v: ["life", 1], leave: [member("a")] }), null);
  assert.equal(conns(), "a");
});

test("an event that does not follow is missed, and changes nothing", () => {
  view.snapshot(["life", 3], [member("a")]);
  assert.equal(view.event({ v: ["life", 5], join: [member("b")] }), "missed");
  assert.equal(view.event({ v: ["another", 4], join: [member("b")] }), "missed");
  assert.deepEqual([conns(), view.version], ["a", ["life", 3]]);
});

test("a list after something was missed shows what is different, and no more", () => {
  view.snapshot(["life", 3], [member("a"), member("b"), member("c")]);
  const difference = view.snapshot(["another", 0], [member("b"), member("c", "new"), member("d")]);
  assert.equal(short(difference), "+d -a ~c");
  assert.deepEqual(difference?.leave, [member("a")]);
});

test("of a list that may be incomplete nobody's absence is believed", () => {
  view.snapshot(["life", 3], [member("a"), member("b")]);
  assert.equal(short(view.snapshot(["another", 0], [member("b", 1), member("c")], true)), "+c ~b");
  assert.equal(conns(), "a,b,c");
});

test("an event that says what is so already shows nothing of it", () => {
  view.snapshot(["life", 3], [member("a", { x: 1 })]);
  const event = { v: ["life", 4] as const, join: [member("a", { x: 1 })], leave: [member("z")] };
  assert.equal(view.event(event), null);
  assert.deepEqual(view.version, ["life", 4]);
});

test("whatever comes, whoever applies what is shown has what the view has", () => {
  const anyMembers = fc
    .uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c", "d", "e"), fc.nat(2)), {
      selector: ([conn]) => conn,
    })
    .map((members) => members.map(([conn, state]) => member(conn, state)));
  const anyStep = fc.oneof(
    fc.record({
      snapshot: fc.constant(true),
      life: fc.constantFrom("x", "y"),
      event: fc.nat(5),
      join: anyMembers,
      leave: anyMembers,
      update: anyMembers,
      stale: fc.boolean(),
    }),
    fc.record({
      snapshot: fc.constant(false),
      life: fc.constantFrom("x", "y"),
      event: fc.nat(5),
      join: anyMembers,
      leave: anyMembers,
      update: anyMembers,
      stale: fc.constant(false),
    }),
  );
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30, size: "max" }), (steps) => {
      view = new PresenceView();
      const shown = new Map<string, Member>();
      for (const { snapshot, life, event, join, leave, update, stale } of steps) {
        const difference = snapshot
          ? view.snapshot([life, event], join, stale)
          : view.event({ v: [life, event], join, leave, update });
        if (difference === null || difference === "missed") continue;
        for (const each of difference.join ?? []) {
          assert.equal(shown.has(each.conn), false, "joins once");
          shown.set(each.conn, each);
        }
        for (const each of difference.update ?? []) {
          assert.notDeepEqual(shown.get(each.conn), each, "a change");
          assert.ok(shown.has(each.conn), "of somebody who is there");
          shown.set(each.conn, each);
        }
        for (const each of difference.leave ?? []) assert.ok(shown.delete(each.conn), "leaves once");
      }
      const byConn = (a: Member, b: Member) => (a.conn < b.conn ? -1 : 1);
      assert.deepEqual([...shown.values()].sort(byConn), view.members().sort(byConn));
    }),
    { numRuns: 500 },
  );
});

test("this gateway's own members are held once: the view shows the announced ones, as long as they are the same", () => {
  const announced = new Map([["a", member("a")]]);
  const shared = new PresenceView((conn) => announced.get(conn));
  shared.snapshot(["life", 1], [{ since: 1, state: null, user: "u", conn: "a" }, member("b")]);
  assert.equal(shared.members()[0], announced.get("a"));
  announced.set("a", member("a", "away"));
  assert.equal(
    short(shared.snapshot(["life", 2], [member("a"), member("b")])),
    null,
    "nobody has heard of it yet",
  );
  assert.equal(shared.members()[0]?.state, null);
  assert.equal(short(shared.event({ v: ["life", 3], update: [member("a", "away")] })), "~a");
  assert.equal(shared.members()[0], announced.get("a"));
});
