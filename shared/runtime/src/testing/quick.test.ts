import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { inTime, stalledDuring, untilQuick } from "./quick.js";

function stall(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

test("what is late on a machine that did not stall fails, with how late it was", () =>
  untilQuick("a task to be late by itself", async () => {
    try {
      await inTime("the pause", 50, () => pause(500));
      return false;
    } catch (error) {
      assert.match(String(error), /the pause took \d+ ms; timers were late by \d+ ms/);
      return true;
    }
  }));

test("what is late because this process stood still is worth another try", async () => {
  const task = async () => {
    await pause(20);
    stall(150);
  };
  assert.equal(await inTime("the task", 50, task), false);
  assert.equal(await inTime("the task", 60_000, task), true, "no deadline was missed");
  assert.equal(await stalledDuring(1_000, task), true);
});

test("what the task throws is a finding, stall or not", async () => {
  const finding = new Error("a finding");
  await assert.rejects(
    inTime("the task", 50, async () => {
      stall(150);
      throw finding;
    }),
    finding,
  );
});

test("it is tried until it counts, and not for ever", async () => {
  let attempts = 0;
  await untilQuick("the third", async (attempt) => {
    attempts = attempt;
    return attempt === 3;
  });
  assert.equal(attempts, 3);
  await assert.rejects(
    untilQuick("what never counts", async () => false),
    /too slow \d+ times for what never counts/,
  );
});
