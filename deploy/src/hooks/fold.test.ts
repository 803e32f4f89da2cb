/** Whatever happens to gateways, the bus and the keeper: what is told comes out right, and none of it is told twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LifecycleEvent } from "@plexus/runtime";
import fc from "fast-check";
import { believed, World } from "./testing/world.js";

type Step = (world: World) => void;

const at = fc.nat(5);
const few = fc.integer({ min: 1, max: 4 });
const ordinary: Array<fc.Arbitrary<Step>> = [
  at.map((g) => (world) => world.connect(g)),
  fc.tuple(at, at).map(
    ([g, c]) =>
      (world) =>
        world.disconnect(g, c),
  ),
  fc.tuple(at, at, fc.nat(2)).map(
    ([g, c, ch]) =>
      (world) =>
        world.toggle(g, c, ch),
  ),
  fc.tuple(at, at, fc.nat(2)).map(
    ([g, c, ch]) =>
      (world) =>
        world.toggle(g, c, ch),
  ),
  fc.tuple(at, few).map(
    ([g, n]) =>
      (world) =>
        world.flush(g, n),
  ),
  few.map((n) => (world) => world.keeperReads(n)),
  fc.constant((world) => world.keeperReads(Number.POSITIVE_INFINITY)),
  few.map((n) => (world) => world.keeperWrites(n)),
  fc.integer({ min: 1, max: 300 }).map((ms) => (world) => world.pass(ms)),
];
const deaths: Array<fc.Arbitrary<Step>> = [
  at.map((g) => (world) => world.kill(g)),
  fc.constant((world) => world.keeperDies()),
];
const losses: Array<fc.Arbitrary<Step>> = [
  at.map((g) => (world) => world.lose(g)),
  at.map((g) => (world) => world.giveUp(g)),
  at.map((g) => (world) => world.hear(g)),
];
const steps = (...kinds: Array<fc.Arbitrary<Step>>) => fc.array(fc.oneof(...kinds), { maxLength: 80 });

function run(all: Step[], gateways = 3): World {
  const world = new World(gateways);
  for (const step of all) step(world);
  world.settle();
  return world;
}

/** What an event is about. */
function subject({ kind, source, conn, sub, ch }: LifecycleEvent): string {
  const what =
    kind === "occupied" || kind === "vacated" ? "channel" : sub === undefined ? "connection" : "subscription";
  return what === "channel" ? `channel ${ch}` : `${what} ${source} ${conn} ${sub ?? ""}`;
}

const BEGINS = new Set(["connected", "subscribed", "occupied"]);

/** Of each subject beginnings and ends take turns, a beginning first. */
function assertTurns(told: readonly LifecycleEvent[]): void {
  const begun = new Map<string, boolean>();
  for (const event of told) {
    const key = subject(event);
    const begins = BEGINS.has(event.kind);
    assert.notEqual(begun.get(key) ?? false, begins, `${event.kind} of ${key} is told twice or out of turn`);
    begun.set(key, begins);
  }
}

test("gateways and keepers die at any step: everything is told in turn, once, and comes out right", () => {
  fc.assert(
    fc.property(steps(...ordinary, ...deaths), (all) => {
      const world = run(all);
      assert.deepEqual(world.owed, []);
      assertTurns(world.told.filter((event) => event.source === undefined || wasTold(world, event)));
      assert.deepEqual(believed(world.told), world.truth);
    }),
    { numRuns: 1_500 },
  );
});

/** Of a gateway that died with events in its queue, an end may be told of what nobody was told the beginning of. */
function wasTold(world: World, { source, conn }: LifecycleEvent): boolean {
  return world.told.some(
    (event) => event.kind === "connected" && event.source === source && event.conn === conn,
  );
}

test("events are lost and gateways given up while they live, too: what is told comes out right", () => {
  fc.assert(
    fc.property(steps(...ordinary, ...deaths, ...losses), (all) => {
      const world = run(all);
      assert.deepEqual(world.owed, []);
      assert.deepEqual(believed(world.told), world.truth);
      assertTurns(world.told.filter(({ ch, source }) => ch !== undefined && source === undefined));
    }),
    { numRuns: 1_500 },
  );
});

test("a channel that is empty for less than the grace stays occupied", () => {
  const world = new World(1);
  world.connect(0);
  const both = () => {
    world.flush(0, 10);
    world.keeperReads(10);
    world.keeperWrites(10);
    world.keeperReads(10);
  };
  world.toggle(0, 0, 0);
  both();
  for (let i = 0; i < 5; i++) {
    world.toggle(0, 0, 0);
    both();
    world.pass(60);
    world.toggle(0, 0, 0);
    both();
    world.pass(60);
  }
  const kinds = () => world.told.filter(({ source }) => source === undefined).map(({ kind }) => kind);
  assert.deepEqual(kinds(), ["occupied"]);
  world.toggle(0, 0, 0);
  both();
  world.pass(101);
  both();
  assert.deepEqual(kinds(), ["occupied", "vacated"]);
});

test("a beginning that is told too late, after the end, is ended once more", () => {
  const world = new World(1);
  world.connect(0);
  world.connect(0);
  world.lose(0);
  // The first one's beginning is lost; the roster behind the second one's shows it.
  world.flush(0, 10);
  world.flush(0, 10);
  world.keeperReads(10);
  assert.deepEqual(
    world.owed.map(({ kind, conn }) => [kind, conn]),
    [["connected", "g-0-0"]],
  );
  world.disconnect(0, 0);
  world.flush(0, 10);
  // The keeper has not read the end yet.
  world.keeperWrites(1);
  world.settle();
  const told = world.told.filter(({ conn }) => conn === "g-0-0").map(({ kind }) => kind);
  assert.deepEqual(told, ["disconnected", "connected", "disconnected"]);
  assert.deepEqual(believed(world.told), world.truth);
});
