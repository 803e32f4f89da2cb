/** How far a bot has come is stored now and then, and at its end for certain. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Position } from "@plexus/protocol";
import { PositionKeeper } from "./position-keeper.js";

const EVERY_MS = 1_000;
const at = (seq: number): Position => ({ epoch: "e", seq });

/** A keeper whose stores end when a test says so, and how. */
function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const begun: number[] = [];
  const ends: Array<(error?: Error) => void> = [];
  const keeper = new PositionKeeper(({ seq }) => {
    begun.push(seq);
    return new Promise<void>((resolve, reject) => {
      ends.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  }, EVERY_MS);
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    keeper,
    begun,
    async note(seq: number): Promise<void> {
      keeper.note(at(seq));
      t.mock.timers.tick(EVERY_MS);
      await settle();
    },
    async end(error?: Error): Promise<void> {
      ends.shift()!(error);
      await settle();
    },
    /** Says whether it is over. */
    flush(): { over: boolean } {
      const flush = { over: false };
      void keeper.flush().then(() => {
        flush.over = true;
      });
      return flush;
    },
    settle,
  };
}

test("what is flushed while one is stored and another waits is over when the newest is stored", async (t) => {
  const { begun, note, end, flush } = setUp(t);
  await note(1);
  await note(2);
  const flushed = flush();
  await end();
  assert.deepEqual([begun, flushed.over], [[1, 2], false]);
  await end();
  assert.deepEqual([begun, flushed.over], [[1, 2], true]);
});

test("what is noted while one is stored waits for its time", async (t) => {
  const { keeper, begun, note, end } = setUp(t);
  await note(1);
  keeper.note(at(2));
  keeper.note(at(3));
  await end();
  assert.deepEqual(begun, [1]);
  await note(4);
  assert.deepEqual(begun, [1, 4]);
});

test("what could not be stored is stored with the next, unless there is a newer one", async (t) => {
  const { begun, note, end, flush, settle } = setUp(t);
  await note(1);
  const flushed = flush();
  await end(new Error("no"));
  assert.deepEqual([begun, flushed.over], [[1, 1], false]);
  await note(2);
  await end(new Error("no"));
  await end(new Error("no"));
  assert.deepEqual([begun, flushed.over], [[1, 1, 2], true]);
  flush();
  await settle();
  assert.deepEqual(begun, [1, 1, 2, 2]);
});
