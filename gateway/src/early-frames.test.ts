import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "./connection.js";
import { EarlyFrames } from "./early-frames.js";

const MIB = 1_048_576;
let ids = 0;
const connection = () => new Connection(`c${++ids}`, "json", 0);

test("frames wait in their order, and once", () => {
  const early = new EarlyFrames();
  const one = connection();
  assert.equal(early.has(one), false);
  assert.equal(early.add(one, "lost"), null);
  early.begin(one);
  for (const frame of [1, 2, 3]) assert.equal(early.add(one, frame), null);
  assert.deepEqual(early.end(one), [1, 2, 3]);
  assert.deepEqual([early.has(one), early.end(one)], [false, []]);
});

test("a connection that sends too many frames, or too much, has to go", () => {
  const early = new EarlyFrames();
  const [many, large] = [connection(), connection()];
  early.begin(many);
  for (let i = 0; i < 1_000; i++) assert.equal(early.add(many, i), null);
  assert.equal(early.add(many, 1_000)?.close, "rate_limited");
  early.begin(large);
  assert.equal(early.count(large, MIB), null);
  assert.equal(early.count(large, 1)?.close, "rate_limited");
});

test("all of them together are bounded too, and what went makes room", () => {
  const early = new EarlyFrames();
  const crowd = Array.from({ length: 64 }, connection);
  for (const each of crowd) {
    early.begin(each);
    assert.equal(early.count(each, MIB), null);
  }
  const late = connection();
  early.begin(late);
  const refusal = early.count(late, 1);
  assert.equal(refusal?.close, "unavailable");
  assert.ok(refusal.reconnect !== null, "it may come again");
  early.end(late);
  early.end(crowd[0]!);
  early.begin(late);
  assert.equal(early.count(late, MIB), null);
});

test("messages of connections that do not wait are not counted", () => {
  const early = new EarlyFrames();
  for (let i = 0; i < 100; i++) assert.equal(early.count(connection(), MIB), null);
});
