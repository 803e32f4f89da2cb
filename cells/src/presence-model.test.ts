/**
 * The member list as others see it: whoever reads it page by page and applies the events after it arrives at the
 * truth, and so does Redis, whatever is changed in between and however often writing fails.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Member } from "@plexus/protocol";
import type { PresencePage, PresenceSnapshot } from "@plexus/runtime";
import fc from "fast-check";
import { type HeldMember, type PresenceEvent, PresenceSet } from "./presence.js";

const GATEWAYS = ["g1", "g2", "g3"];
/** So large that a list of ten takes several pages. */
const LARGE = "x".repeat(100_000);

const anyConn = fc.integer({ min: 0, max: 12 }).map((n) => `c${n}`);
const anyConns = fc.uniqueArray(anyConn, { maxLength: 5 });
const anyGateway = fc.constantFrom(...GATEWAYS);

const anyStep = fc.oneof(
  fc.record({
    do: fc.constant("change" as const),
    gateway: anyGateway,
    put: anyConns,
    state: fc.nat(3),
    del: anyConns,
    refresh: fc.boolean(),
    all: fc.option(anyConns),
  }),
  fc.record({ do: fc.constant("drop" as const), gateway: anyGateway }),
  fc.record({ do: fc.constant("event" as const) }),
  fc.record({ do: fc.constant("page" as const) }),
  fc.record({ do: fc.constant("page" as const) }),
  fc.record({ do: fc.constant("mirror" as const), fails: fc.boolean() }),
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

function perform(set: PresenceSet, step: Extract<Step, { do: "change" | "drop" }>): void {
  if (step.do === "drop") return set.drop(step.gateway);
  const { gateway, put, state, del, refresh, all } = step;
  const members = put.map((conn) => ({ conn, user: conn, state: LARGE + state, since: 1 }));
  set.apply({ gateway, put: members, del, refresh, all });
}

/** A reader as gateways are: pages until the list is there, then events; a missing one begins anew. */
class Reader {
  #page: PresencePage = { at: null, from: 0 };
  #pages = new Map<string, Member>();
  #list: Map<string, Member> | null = null;
  #version = -1;
  #early: PresenceEvent[] = [];

  get next(): PresencePage | null {
    return this.#list === null ? this.#page : null;
  }
  get members(): Member[] | null {
    return this.#list === null ? null : [...this.#list.values()];
  }

  page({ version, members, next }: PresenceSnapshot): void {
    if (this.#page.at === null || this.#page.at[1] !== version[1]) this.#pages = new Map();
    for (const member of members) this.#pages.set(member.conn, member);
    this.#page = { at: version, from: next ?? 0 };
    if (next !== null) return;
    this.#list = this.#pages;
    this.#version = version[1];
    for (const event of this.#early) this.event(event);
  }

  event(event: PresenceEvent): void {
    if (this.#list === null) return void this.#early.push(event);
    const number = event.version[1];
    if (number <= this.#version) return;
    assert.equal(number, this.#version + 1, "no event is missing");
    this.#version = number;
    for (const { conn } of event.leave) assert.ok(this.#list.delete(conn), `${conn} was there`);
    for (const joined of event.join) {
      assert.equal(this.#list.has(joined.conn), false, `${joined.conn} was not there`);
      this.#list.set(joined.conn, joined);
    }
    for (const updated of event.update) {
      assert.ok(this.#list.has(updated.conn), `${updated.conn} was there`);
      this.#list.set(updated.conn, updated);
    }
  }
}

/** What is true, and what Redis has. */
class Redis {
  readonly members = new Map<string, HeldMember>();
  readonly held = new Set<string>();

  take(set: PresenceSet, fails: boolean): void {
    const unmirrored = set.takeUnmirrored();
    if (fails) return set.unmirror(unmirrored);
    for (const { conn, member } of unmirrored.changes) {
      if (member === undefined) this.members.delete(conn);
      else this.members.set(conn, member);
    }
    for (const [gateway, some] of unmirrored.holds) {
      if (some) this.held.add(gateway);
      else this.held.delete(gateway);
    }
  }
}

function sorted<T extends Member>(members: Iterable<T>): T[] {
  return [...members].sort((a, b) => (a.conn < b.conn ? -1 : 1));
}

test("pages, events and Redis agree with the set, whatever happens in between", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60, size: "max" }), (steps) => {
      const set = new PresenceSet("life");
      const readers = [new Reader(), new Reader()];
      const redis = new Redis();
      const announce = () => {
        const event = set.takeEvent();
        if (event !== null) for (const reader of readers) reader.event(event);
      };
      const read = (reader: Reader) => {
        if (reader.next !== null) reader.page(set.page(reader.next));
      };
      for (const [i, step] of steps.entries()) {
        if (step.do === "event") announce();
        else if (step.do === "page") read(readers[i % 2]!);
        else if (step.do === "mirror") redis.take(set, step.fails);
        else perform(set, step);
      }
      while (set.changed) announce();
      for (const reader of readers) while (reader.next !== null) read(reader);
      redis.take(set, false);

      const truth = sorted(held(set));
      assert.deepEqual(sorted(redis.members.values()), truth, "Redis");
      for (const reader of readers)
        assert.deepEqual(
          sorted(reader.members!),
          truth.map(({ gateway: _, ...member }) => member),
          "a reader",
        );
      for (const gateway of GATEWAYS) {
        const count = truth.filter((member) => member.gateway === gateway).length;
        assert.equal(set.membersOf(gateway), count);
        assert.equal(redis.held.has(gateway), count > 0);
      }
    }),
    { numRuns: 300 },
  );
});

/** Everybody in the set, with their gateways. */
function held(set: PresenceSet): HeldMember[] {
  const members: HeldMember[] = [];
  let page: PresencePage = { at: null, from: 0 };
  for (;;) {
    const { version, members: some, next } = set.page(page, { held: true });
    members.push(...(some as HeldMember[]));
    if (next === null) return members;
    page = { at: version, from: next };
  }
}

/** In as many events as it takes. */
function announce(set: PresenceSet): void {
  for (let event = set.takeEvent(); event !== null; ) event = set.takeEvent();
}

test("a list of any size comes in pages that fit a message", () => {
  const set = new PresenceSet("life");
  const put = Array.from({ length: 300 }, (_, i) => ({
    conn: `c${i}`,
    user: "u",
    state: "x".repeat(4_000),
    since: 1,
  }));
  set.apply({ gateway: "g1", put, del: [], refresh: false, all: null });
  announce(set);
  const conns: string[] = [];
  let page: PresencePage = { at: null, from: 0 };
  for (;;) {
    const snapshot = set.page(page);
    assert.ok(JSON.stringify(snapshot).length < 512 * 1024);
    conns.push(...snapshot.members.map(({ conn }) => conn));
    if (snapshot.next === null) break;
    page = { at: snapshot.version, from: snapshot.next };
  }
  assert.deepEqual(conns, put.map(({ conn }) => conn).sort());
});

test("several may read the pages of one version at a time: each sees all of it, whatever is changed in between", () => {
  const set = new PresenceSet("life");
  const at = (conn: string) => ({ conn, user: "u", state: LARGE, since: 1 });
  const change = { gateway: "g1", del: [], refresh: false, all: null };
  set.apply({ ...change, put: ["d", "b", "a", "c"].map(at) });
  announce(set);
  const { version } = set;
  const page = (from: number) => set.page({ at: from === 0 ? null : version, from });
  const conns = (from: number) => page(from).members.map(({ conn }) => conn);
  assert.deepEqual(conns(0), ["a", "b", "c"]);
  // Not announced yet, so still the same list for whoever begins now.
  set.apply({ ...change, put: [], all: [] });
  assert.deepEqual(conns(0), ["a", "b", "c"]);
  assert.deepEqual([conns(3), conns(3), conns(0)], [["d"], ["d"], ["a", "b", "c"]]);
  assert.deepEqual(page(3).version, version);
});

test("the pages of a list show one moment, though events come in between", () => {
  const set = new PresenceSet("life");
  const at = (conn: string) => ({ conn, user: "u", state: LARGE, since: 1 });
  const apply = (put: Member[], del: string[]) =>
    set.apply({ gateway: "g1", put, del, refresh: false, all: null });
  apply(["a", "b", "c", "d"].map(at), []);
  announce(set);
  const first = set.page({ at: null, from: 0 });
  assert.deepEqual([first.members.length, first.next], [3, 3]);
  apply([at("e")], ["d"]);
  set.takeEvent();
  const second = set.page({ at: first.version, from: 3 });
  assert.deepEqual(
    [second.version, second.members.map(({ conn }) => conn), second.next],
    [first.version, ["d"], null],
  );
});

test("a reader whose list is gone begins anew, and the version tells so", () => {
  const set = new PresenceSet("life");
  const put = ["a", "b", "c", "d"].map((conn) => ({ conn, user: "u", state: LARGE, since: 1 }));
  set.apply({ gateway: "g1", put, del: [], refresh: false, all: null });
  set.takeEvent();
  const first = set.page({ at: null, from: 0 });
  set.apply({ gateway: "g1", put: [], del: ["a"], refresh: false, all: null });
  set.takeEvent();
  set.page({ at: null, from: 0 });
  const anew = set.page({ at: first.version, from: 3 });
  assert.deepEqual([anew.version, anew.members[0]?.conn], [["life", 2], "b"]);
  const foreign = set.page({ at: ["another life", 1], from: 3 });
  assert.equal(foreign.members[0]?.conn, "b");
});
