/** The breaker: when it opens, whom it lets through while it is open, and what closes it. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Breaker, through } from "./breaker.js";

let changes: boolean[];
let breaker: Breaker;

beforeEach(() => {
  changes = [];
  breaker = new Breaker({
    failures: 3,
    firstWaitMs: 100,
    maxWaitMs: 400,
    probeMs: 1_000,
    random: () => 1,
    onChange: (isOpen) => changes.push(isOpen),
  });
});

function open(): void {
  for (let i = 0; i < 3; i++) breaker.failed(0);
}

test("failures in a row open it; a success in between begins the count anew", () => {
  for (let i = 0; i < 10; i++) {
    breaker.failed(0);
    breaker.failed(0);
    breaker.succeeded();
  }
  assert.ok(breaker.tryPass(0));
  open();
  assert.equal(breaker.tryPass(0), false);
  assert.deepEqual(changes, [true]);
});

test("while it is open one call passes now and then, each further from the one before, up to a bound", () => {
  open();
  const waits: number[] = [];
  let last = 0;
  for (let now = 0; waits.length < 5; now++) {
    if (breaker.isOpen(now)) continue;
    assert.ok(breaker.tryPass(now));
    assert.equal(breaker.tryPass(now), false, "one at a time");
    assert.ok(breaker.isOpen(now), "whoever looks only is refused meanwhile");
    waits.push(now - last);
    last = now;
    breaker.failed(now);
  }
  assert.deepEqual(waits, [100, 200, 400, 400, 400]);
});

test("the first success closes it, also one of a call from before it opened", () => {
  open();
  assert.ok(breaker.tryPass(100));
  breaker.succeeded();
  assert.ok(breaker.tryPass(100) && breaker.tryPass(100));
  open();
  breaker.succeeded();
  assert.ok(breaker.tryPass(0));
  assert.deepEqual(changes, [true, false, true, false]);
});

test("what was under way when it opened and fails late does not make the wait longer", () => {
  open();
  for (let i = 0; i < 50; i++) breaker.failed(50);
  assert.equal(breaker.isOpen(100), false);
});

test("a call that was let through and is never heard of again does not keep it open for good", () => {
  open();
  assert.ok(breaker.tryPass(100));
  assert.equal(breaker.tryPass(1_099), false);
  assert.ok(breaker.tryPass(1_100));
});

test("half of each wait is random", () => {
  const soon = new Breaker({ failures: 1, firstWaitMs: 100, random: () => 0 });
  soon.failed(0);
  assert.deepEqual([soon.isOpen(49), soon.isOpen(50)], [true, false]);
});

test("a call that is not let through is not made: unavailable at once, and when to try again", async () => {
  const failing = new Breaker({ failures: 2 });
  const gone = new Error("gone");
  let calls = 0;
  const call = () => {
    calls++;
    return Promise.reject(gone);
  };
  for (let i = 0; i < 2; i++) await assert.rejects(through(failing, "it", call), gone);
  await assert.rejects(through(failing, "it", call), { code: "unavailable", retry: 1_000 });
  assert.equal(calls, 2);
});

test("an error that the dependency itself gives is an answer", async () => {
  const answering = new Breaker({ failures: 1 });
  const full = new Error("full");
  const call = () => Promise.reject(full);
  for (let i = 0; i < 5; i++)
    await assert.rejects(
      through(answering, "it", call, () => true),
      full,
    );
});
