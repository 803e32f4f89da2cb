/** Taking a channel over: seals, opens, crashes in between, and what happens when the old cell is gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeControl, type SealRecord } from "@plexus/protocol";
import type { CellState, ReleaseAnswer } from "@plexus/runtime";
import { Channel } from "./channel.js";
import { loadChannel } from "./loader.js";
import { takeOver } from "./take-over.js";
import { MemoryLog } from "./testing/memory-log.js";
import { CHANNEL, logsOf, recordOf, subjectIn } from "./testing/past.js";

class World {
  readonly cells = new Map(["c0", "c1", "c2"].map((id) => [id, new MemoryLog()]));
  readonly states = new Map<string, CellState>([
    ["c0", "active"],
    ["c1", "active"],
    ["c2", "active"],
  ]);
  /** Cells whose log can't be reached. */
  readonly unreachable = new Set<string>();
  /** Of those, the ones that are not expected back. */
  readonly gone = new Set<string>();
  /** Those whose log was found to be there, in that order. */
  readonly answered: string[] = [];
  isHome = true;

  logs(cell: string) {
    const logs = logsOf(cell, this.cells);
    const of = (id: string) =>
      this.unreachable.has(id) ? Promise.reject(new Error("unreachable")) : logs.of(id);
    return { ...logs, of };
  }

  put(cell: string, seq: number): void {
    const log = this.cells.get(cell)!;
    const last = log.all(subjectIn(cell)).at(-1);
    log.put(
      subjectIn(cell),
      recordOf(seq, 1, log.now),
      last?.head.op === "open" ? last.logSeq : last?.opened,
    );
  }

  /** What an actor in `cell` answers to `to`. */
  async release(cell: string, to: string): Promise<ReleaseAnswer> {
    const log = this.cells.get(cell)!;
    const channel = new Channel<string>(CHANNEL, cell);
    channel.loaded(await loadChannel(this.logs(cell), log.now), false, log.now);
    channel.release(to, "asker", log.now);
    for (;;) {
      for (const effect of channel.takeEffects()) {
        if (effect.do === "release") return effect.answer;
        if (effect.do !== "append") continue;
        channel.appended(log.put(subjectIn(cell), effect.bytes, effect.opened), log.now);
      }
    }
  }

  async takeOver(cell: string, from: string[]) {
    const logs = this.logs(cell);
    const own = await loadChannel(logs, 0);
    const context = {
      channel: CHANNEL,
      logs,
      stateOf: (id: string) => this.states.get(id),
      release: (id: string) => {
        if (this.states.get(id) === "down") return Promise.reject(new Error("nobody"));
        return this.release(id, cell);
      },
      isGone: async (id: string) => this.gone.has(id),
      logAnswered: (id: string) => void this.answered.push(id),
      isHome: () => this.isHome,
      newEpoch: () => "another",
    };
    return takeOver(context, own, from, 0);
  }

  ops(cell: string): string[] {
    return this.cells
      .get(cell)!
      .all(subjectIn(cell))
      .map(({ head }) => head.op);
  }
}

test("the old home seals, the new one opens and goes on with the next seq in the same epoch", async () => {
  const world = new World();
  for (const seq of [1, 2, 3]) world.put("c0", seq);
  const { loaded, from } = await world.takeOver("c1", ["c0"]);
  assert.deepEqual([loaded.position, from], [{ epoch: "e1", seq: 3 }, "c0"]);
  assert.deepEqual(loaded.segments, [{ cell: "c0", first: 1, last: 3, low: 1, high: 3 }]);
  assert.deepEqual([world.ops("c0").at(-1), world.ops("c1")], ["seal", ["open"]]);
  const reloaded = await loadChannel(world.logs("c1"), 0);
  assert.deepEqual(
    [reloaded.position, reloaded.segments, reloaded.stretch],
    [loaded.position, loaded.segments, loaded.stretch],
  );
});

test("a crash between seal and open is mended by asking again", async () => {
  const world = new World();
  world.put("c0", 1);
  await world.release("c0", "c1");
  const { loaded } = await world.takeOver("c1", ["c0"]);
  assert.equal(loaded.position.seq, 1);
  assert.deepEqual(world.ops("c0"), ["msg", "seal"]);
});

test("a channel that was sealed and never opened elsewhere goes on where it was", async () => {
  const world = new World();
  world.put("c0", 1);
  await world.release("c0", "c1");
  const { loaded, from } = await world.takeOver("c0", ["c1"]);
  assert.deepEqual([loaded.position, from], [{ epoch: "e1", seq: 1 }, null]);
  assert.deepEqual(world.ops("c0"), ["msg", "seal", "open"]);
  assert.deepEqual(world.ops("c1"), ["seal", "seal"], "so that c1 can't open it any more");
});

test("there and back again: the past is three stretches", async () => {
  const world = new World();
  world.put("c0", 1);
  await world.takeOver("c1", ["c0"]);
  world.put("c1", 2);
  await world.takeOver("c0", ["c1"]);
  world.put("c0", 3);
  const { loaded } = await world.takeOver("c2", ["c0"]);
  assert.equal(loaded.position.seq, 3);
  assert.deepEqual(
    loaded.segments.map(({ cell, first, last }) => [cell, first, last]),
    [
      ["c0", 1, 1],
      ["c1", 2, 2],
      ["c0", 3, 3],
    ],
  );
});

test("a channel that was handed on is followed to where it is", async () => {
  const world = new World();
  world.put("c0", 1);
  await world.takeOver("c1", ["c0"]);
  const { loaded, from } = await world.takeOver("c2", ["c0"]);
  assert.deepEqual([loaded.position.seq, from], [1, "c1"]);
});

test("a channel never written to keeps the epoch that its subscribers were told", async () => {
  const world = new World();
  const { loaded } = await world.takeOver("c1", ["c0"]);
  assert.deepEqual(loaded.position, { epoch: world.cells.get("c0")!.incarnation, seq: 0 });
  assert.deepEqual([world.ops("c0"), world.ops("c1")], [["seal"], ["open"]]);
});

test("a cell that is down is sealed from outside where its log answers: nothing is unproven", async () => {
  const world = new World();
  for (const seq of [1, 2]) world.put("c0", seq);
  world.states.set("c0", "down");
  const { loaded } = await world.takeOver("c1", ["c0"]);
  assert.deepEqual(loaded.position, { epoch: "e1", seq: 2 });
  assert.equal(world.ops("c0").at(-1), "seal");
  assert.deepEqual([...new Set(world.answered)], ["c0"]);
});

test("a log of which only a mirror is left has not answered; one in which others write has", async () => {
  for (const [fate, answered] of [
    ["lost", []],
    ["refused", []],
    ["stored", ["c0"]],
  ] as const) {
    const world = new World();
    world.put("c0", 1);
    world.states.set("c0", "down");
    let seq = 1;
    world.cells.get("c0")!.fate = () => {
      world.put("c0", ++seq);
      return fate;
    };
    await assert.rejects(world.takeOver("c1", ["c0"]), /does not answer/);
    assert.deepEqual([...new Set(world.answered)], answered, fate);
  }
});

test("where the log of a cell that is down can't be reached, the channel begins another epoch", async () => {
  const world = new World();
  world.put("c0", 1);
  world.states.set("c0", "down");
  world.unreachable.add("c0");
  world.gone.add("c0");
  const { loaded, from } = await world.takeOver("c1", ["c0"]);
  assert.deepEqual([loaded.position, loaded.segments, from], [{ epoch: "another", seq: 0 }, [], null]);
});

test("a log that can't be reached for a moment is waited for: the channel keeps its past", async () => {
  const world = new World();
  for (const seq of [1, 2]) world.put("c0", seq);
  world.states.set("c0", "down");
  world.unreachable.add("c0");
  await assert.rejects(world.takeOver("c1", ["c0"]), /unreachable/);
  assert.deepEqual(world.ops("c1"), []);
  world.unreachable.clear();
  const { loaded } = await world.takeOver("c1", ["c0"]);
  assert.deepEqual(loaded.position, { epoch: "e1", seq: 2 });
});

test("a cell that is merely silent is waited for: its channel is not opened elsewhere", async () => {
  const world = new World();
  world.put("c0", 1);
  const logs = world.logs("c1");
  const own = await loadChannel(logs, 0);
  const context = {
    channel: CHANNEL,
    logs,
    stateOf: (): CellState => "draining",
    release: () => Promise.reject(new Error("no answer")),
    isGone: async () => true,
    logAnswered: () => assert.fail("it did not"),
    isHome: () => true,
    newEpoch: () => "another",
  };
  await assert.rejects(takeOver(context, own, ["c0"], 0), /no answer/);
  assert.deepEqual([world.ops("c0"), world.ops("c1")], [["msg"], []]);
});

test("a channel whose home has changed once more is not opened here", async () => {
  const world = new World();
  world.put("c0", 1);
  world.isHome = false;
  await assert.rejects(world.takeOver("c1", ["c0"]), /moved on/);
  assert.deepEqual(world.ops("c1"), []);
  world.isHome = true;
  assert.equal((await world.takeOver("c1", ["c0"])).loaded.position.seq, 1);
});

test("of two who take it over at once, one opens it, and the other finds it open", async () => {
  const world = new World();
  world.put("c0", 1);
  const results = await Promise.allSettled([world.takeOver("c1", ["c0"]), world.takeOver("c1", ["c0"])]);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  assert.deepEqual(world.ops("c1"), ["open"]);
});

test("what was given to a cell that never opened it is not lost when yet another one becomes its home", async () => {
  const world = new World();
  for (const seq of [1, 2]) world.put("c0", seq);
  await world.release("c0", "c1");
  const { loaded } = await world.takeOver("c2", ["c1", "c0"]);
  assert.deepEqual([loaded.position, loaded.segments.length], [{ epoch: "e1", seq: 2 }, 1]);
  assert.deepEqual(world.ops("c1"), ["seal", "seal"], "c1 can't open it any more");
});

test("a seal of an earlier stay does not count: what its cell was given later and never opened is not lost", async () => {
  const world = new World();
  world.put("c0", 1);
  await world.takeOver("c1", ["c0"]);
  world.put("c1", 2);
  await world.release("c1", "c0");
  const { loaded } = await world.takeOver("c1", ["c0"]);
  assert.deepEqual(loaded.position, { epoch: "e1", seq: 2 });
  assert.deepEqual(world.ops("c0"), ["msg", "seal", "seal"], "c0 can't open it any more");
});

test("of two cells that gave a channel to each other a third one gets what was stored last", async () => {
  const world = new World();
  world.put("c0", 1);
  await world.takeOver("c1", ["c0"]);
  world.put("c1", 2);
  await world.release("c1", "c0");
  const { loaded } = await world.takeOver("c2", ["c1", "c0"]);
  assert.deepEqual(loaded.position, { epoch: "e1", seq: 2 });
  const last = world.cells.get("c0")!.all(subjectIn("c0")).at(-1)!;
  assert.equal((decodeControl(last.bytes) as SealRecord).to, "c2", "whoever asks c0 is sent to c2");
});

test("a third cell gets a channel that two cells gave to each other without storing anything in it", async () => {
  const world = new World();
  world.put("c0", 1);
  await world.takeOver("c1", ["c0"]);
  await world.release("c1", "c0");
  const { loaded } = await world.takeOver("c2", ["c1", "c0"]);
  assert.deepEqual(loaded.position, { epoch: "e1", seq: 1 });
  assert.deepEqual([world.ops("c0").at(-1), world.ops("c2")], ["seal", ["open"]]);
});

test("a third cell gets a channel that two cells gave to each other before anything was written to it", async () => {
  const world = new World();
  await world.release("c1", "c0");
  await world.release("c0", "c1");
  const { loaded } = await world.takeOver("c2", ["c1"]);
  assert.equal(loaded.position.seq, 0);
  assert.deepEqual([world.ops("c0"), world.ops("c1"), world.ops("c2")].map(String), [
    "seal,seal",
    "seal,seal",
    "open",
  ]);
});

test("who was about to open a channel that went elsewhere in the meantime can't any more", async () => {
  const world = new World();
  world.put("c0", 1);
  await world.takeOver("c1", ["c0"]);
  await world.release("c1", "c0");
  const late = world.cells.get("c0")!.all(subjectIn("c0")).at(-1)!;
  await world.takeOver("c1", ["c0"]);
  const open = { subject: subjectIn("c0"), bytes: late.bytes, fence: late.logSeq, opened: 0 };
  assert.equal(world.cells.get("c0")!.appendNow(open).stored, false);
});

test("a previous home that is lost does not matter where an older one still has the channel", async () => {
  const world = new World();
  world.put("c0", 1);
  world.states.set("c1", "down");
  world.unreachable.add("c1");
  world.gone.add("c1");
  const { loaded, from } = await world.takeOver("c2", ["c1", "c0"]);
  assert.deepEqual([loaded.position, from], [{ epoch: "e1", seq: 1 }, "c0"]);
});

test("a channel that was given to a cell which is lost may have gone on there: another epoch", async () => {
  const world = new World();
  world.put("c0", 1);
  await world.release("c0", "c1");
  world.states.set("c1", "down");
  world.unreachable.add("c1");
  world.gone.add("c1");
  const { loaded } = await world.takeOver("c0", ["c1"]);
  assert.deepEqual(loaded.position, { epoch: "another", seq: 0 });
});
