/** The directory's state machine: which changes are taken, which are refused, and where channels are sought. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  activate,
  type CellEntry,
  cellsToSweep,
  comeBack,
  type Directory,
  declareDown,
  drain,
  EMPTY_DIRECTORY,
  finish,
  homeOf,
  pinTenant,
  previousHomesOf,
  reweigh,
  withCell,
} from "./directory.js";

function directoryOf(...ids: string[]): Directory {
  const cells = ids.map((id): CellEntry => ({ id, region: id.split("-")[0]!, state: "active", weight: 1 }));
  return { version: 1, cells };
}

function stateOf(directory: Directory, id: string): string | undefined {
  return directory.cells.find((cell) => cell.id === id)?.state;
}

const conflict = { code: "conflict" };

test("the first cell is active at once, a later one joins, a known one stays as it is", () => {
  const one = withCell(EMPTY_DIRECTORY, "eu-1", "eu");
  assert.equal(stateOf(one, "eu-1"), "active");
  const two = withCell(one, "us-1", "us");
  assert.equal(stateOf(two, "us-1"), "joining");
  assert.equal(withCell(two, "us-1", "us"), two);
  assert.deepEqual([one.version, two.version], [1, 2]);
});

test("a drained cell gets no channels, and is drained once nothing is left", () => {
  const draining = drain(directoryOf("eu-1", "us-1"), "eu-1", "op1");
  assert.equal(stateOf(draining, "eu-1"), "draining");
  for (let i = 0; i < 100; i++) assert.equal(homeOf(draining, "t", `chat.${i}`)?.cell, "us-1");
  assert.deepEqual(cellsToSweep(draining).sort(), ["eu-1", "us-1"]);
  assert.equal(finish(draining, "another"), draining);
  const done = finish(draining, "op1");
  assert.equal(stateOf(done, "eu-1"), "drained");
  assert.deepEqual([done.operation, done.previous], [null, []]);
});

test("what can't be done is refused with the reason", () => {
  const directory = directoryOf("eu-1", "us-1");
  assert.throws(() => drain(directory, "nowhere-1", "op"), {
    code: "not_found",
    message: /^there is no cell nowhere-1; there is: [a-z]/,
  });
  assert.throws(() => drain(directoryOf("eu-1"), "eu-1", "op"), conflict);
  assert.throws(() => activate(directory, "eu-1", "op"), conflict);
  assert.throws(() => reweigh(directory, "eu-1", 0, "op"), { code: "bad_request" });
  assert.throws(() => pinTenant(directory, "acme", { region: "mars", failover: false }, "op"), {
    code: "bad_request",
  });
  const draining = drain(directory, "eu-1", "op1");
  assert.throws(() => drain(draining, "eu-1", "op2"), conflict);
  assert.throws(() => drain(draining, "us-1", "op2"), conflict);
  assert.throws(() => reweigh(draining, "us-1", 2, "op2"), conflict);
  assert.throws(() => declareDown(draining, "us-1", "op2"), conflict, "it is the last active one");
});

test("a drain can be turned around, and every placement on the way is remembered until the end", () => {
  const draining = drain(directoryOf("eu-1", "eu-2", "us-1"), "eu-1", "op1");
  const turned = activate(draining, "eu-1", "op2");
  assert.equal(turned.previous?.length, 2);
  assert.equal(turned.operation, "op2");
  const done = finish(turned, "op2");
  assert.deepEqual(
    done.cells.map(({ state }) => state),
    ["active", "active", "active"],
  );
});

test("a cell that was given up may hold any channel, until it comes back and has let go", () => {
  const down = finish(declareDown(directoryOf("eu-1", "us-1"), "eu-1", "op1"), "op1");
  assert.equal(stateOf(down, "eu-1"), "down");
  assert.deepEqual(previousHomesOf(down, "t", "chat.a"), ["eu-1"]);
  assert.throws(() => activate(down, "eu-1", "op2"), conflict);
  const back = comeBack(down, "eu-1");
  assert.equal(stateOf(back, "eu-1"), "drained");
  assert.deepEqual(previousHomesOf(back, "t", "chat.a"), []);
  assert.equal(comeBack(back, "eu-1"), back);
});

test("a loss in the middle of a drain keeps the way back to where channels may still be", () => {
  const draining = drain(directoryOf("eu-1", "eu-2", "us-1"), "eu-1", "op1");
  const lost = declareDown(draining, "eu-2", "op2");
  for (let i = 0; i < 200; i++) {
    const channel = `chat.${i}`;
    const before = homeOf(directoryOf("eu-1", "eu-2", "us-1"), "t", channel)!.cell;
    const possible = [homeOf(lost, "t", channel)!.cell, ...previousHomesOf(lost, "t", channel)];
    assert.ok(possible.includes(before), `${channel} was in ${before}`);
  }
  const done = finish(lost, "op2");
  assert.deepEqual([stateOf(done, "eu-1"), stateOf(done, "eu-2")], ["drained", "down"]);
});

test("a pinned tenant stays in its region; another region serves only where that is allowed", () => {
  const directory = directoryOf("eu-1", "us-1", "us-2");
  const pinned = finish(pinTenant(directory, "acme", { region: "eu", failover: false }, "p"), "p");
  const open = finish(pinTenant(directory, "acme", { region: "eu", failover: true }, "p"), "p");
  for (let i = 0; i < 50; i++) assert.equal(homeOf(pinned, "acme", `chat.${i}`)?.cell, "eu-1");
  assert.ok(
    Array.from({ length: 50 }, (_, i) => homeOf(pinned, "other", `chat.${i}`)?.cell).includes("us-1"),
  );
  assert.throws(() => drain(pinned, "eu-1", "d"), {
    code: "conflict",
    message: /^tenant acme is pinned to region eu, which would have no active cell/,
  });
  const drained = finish(drain(directory, "eu-1", "d"), "d");
  assert.throws(() => pinTenant(drained, "acme", { region: "eu", failover: false }, "p"), conflict);
  const lost = declareDown(pinned, "eu-1", "d");
  assert.equal(homeOf(lost, "acme", "chat.a"), undefined);
  // The operation waits for what has no home, and must not keep anybody from giving it one.
  assert.throws(() => reweigh(lost, "us-1", 2, "w"), conflict);
  const back = activate(comeBack(lost, "eu-1"), "eu-1", "a");
  assert.equal(homeOf(back, "acme", "chat.a")?.cell, "eu-1");
  assert.match(homeOf(pinTenant(lost, "acme", null, "u"), "acme", "chat.a")!.cell, /^us-/);
  assert.throws(() => pinTenant(back, "acme", null, "u"), conflict, "it has one");
  assert.match(homeOf(drain(open, "eu-1", "d"), "acme", "chat.a")!.cell, /^us-/);
  const free = pinTenant(open, "acme", null, "f");
  assert.deepEqual(free.tenants, {});
});

test("whatever is changed, a channel is at its home or at one of the homes that are remembered", () => {
  type Step = { kind: "drain" | "activate" | "down" | "back" | "pin" | "unpin" | "finish"; cell: number };
  const anyStep: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom("drain", "activate", "down", "back", "pin", "unpin", "finish"),
    cell: fc.nat(3),
  });
  const ids = ["eu-1", "eu-2", "us-1", "us-2"];
  const channels = Array.from({ length: 40 }, (_, i) => `chat.${i}`);
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 25 }), (steps) => {
      let directory = directoryOf(...ids);
      // Channels stay where they are until an operation ends; then all are at home.
      const at = new Map(channels.map((channel) => [channel, homeOf(directory, "t", channel)!.cell]));
      for (const [n, { kind, cell }] of steps.entries()) {
        // An operation is finished only after every channel that can move has moved.
        if (kind === "finish") {
          for (const [channel, here] of at) {
            const home = homeOf(directory, "t", channel)?.cell;
            if (home !== undefined && stateOf(directory, here) !== "down") at.set(channel, home);
          }
          // What has nowhere to go in a cell that is looked through keeps the operation under way.
          const looked = new Set(cellsToSweep(directory));
          if ([...at].some(([channel, here]) => !homeOf(directory, "t", channel) && looked.has(here))) {
            const isFull = (directory.previous?.length ?? 0) >= 8;
            assert.ok(isFull || pinTenant(directory, "t", null, "a way out"));
            continue;
          }
        }
        directory = attempt(directory, kind, ids[cell]!, `op${n}`);
        for (const channel of channels) {
          const home = homeOf(directory, "t", channel)?.cell;
          const here = at.get(channel)!;
          assert.ok(here === home || previousHomesOf(directory, "t", channel).includes(here), channel);
        }
      }
    }),
  );
});

function attempt(directory: Directory, kind: string, cell: string, operation: string): Directory {
  try {
    if (kind === "drain") return drain(directory, cell, operation);
    if (kind === "activate") return activate(directory, cell, operation);
    if (kind === "down") return declareDown(directory, cell, operation);
    if (kind === "unpin") return pinTenant(directory, "t", null, operation);
    if (kind === "pin")
      return pinTenant(directory, "t", { region: cell.slice(0, 2), failover: false }, operation);
    // A cell that comes back has let all of its channels go by then; the model lets go of none that is lost.
    if (kind === "back") return directory;
    return directory.operation ? finish(directory, directory.operation) : directory;
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error, String(error));
    return directory;
  }
}
