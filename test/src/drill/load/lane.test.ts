import assert from "node:assert/strict";
import { test } from "node:test";
import { Lane } from "./lane.js";

const at = (seq: number) => ({ epoch: "e", seq });

function laneWith(count: number): Lane {
  const lane = new Lane("chat.a");
  for (let i = 0; i < count; i++) lane.due(i);
  return lane;
}

test("one batch is under way at a time; what becomes due meanwhile follows it", () => {
  const lane = laneWith(2);
  assert.deepEqual(lane.take(10), [0, 1]);
  lane.due(10);
  assert.deepEqual(lane.take(11), []);
  assert.equal(lane.acknowledged(0, at(1), 12), 12);
  assert.deepEqual(lane.take(13), []);
  lane.acknowledged(1, at(2), 14);
  assert.deepEqual(lane.take(15), [2]);
  assert.equal(lane.open, 1);
  assert.equal(lane.oldestOpenAt, 10);
});

test("what failed is sent again, after a pause, before anything later", () => {
  const lane = laneWith(3);
  assert.deepEqual(lane.take(10), [0, 1, 2]);
  lane.due(10);
  lane.failed(2, 20, "timeout");
  lane.failed(1, 21, "timeout");
  assert.deepEqual(lane.take(500), [], "the first one is still under way");
  lane.acknowledged(0, at(1), 500);
  assert.deepEqual(lane.take(22), []);
  assert.deepEqual(lane.take(600), [1, 2]);
  for (const number of [1, 2]) lane.acknowledged(number, at(number + 1), 700);
  assert.deepEqual(lane.take(700), [3]);
});

test("only what overlaps the time of measuring counts", () => {
  const lane = laneWith(1);
  lane.take(0);
  lane.acknowledged(0, at(1), 90);
  lane.due(100);
  lane.take(100);
  lane.change(150);
  lane.acknowledged(1, at(2), 170);
  lane.settle(180);
  lane.due(190);
  lane.take(190);
  lane.acknowledged(2, at(3), 999);
  assert.deepEqual([lane.calmMs, lane.changeMs], [[90], [{ dueMs: -50, tookMs: 70 }]]);
  lane.calm();
  assert.deepEqual([lane.calmMs, lane.changeMs], [[], []]);
});
