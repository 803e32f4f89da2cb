import assert from "node:assert/strict";
import { test } from "node:test";
import { register } from "prom-client";
import { measureQueue } from "./bounds.js";
import { Dependency } from "./dependencies.js";
import { Gate } from "./gate.js";

/** The value of a series; undefined where there is none. */
async function shown(name: string, labels: string): Promise<number | undefined> {
  const text = await register.getSingleMetricAsString(name);
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name}{${labels}} `));
  return line === undefined ? undefined : Number(line.split(" ")[1]);
}

test("what waits is measured when it is asked for, over all queues of a name, until one is given up", async () => {
  let here = 3;
  const stop = measureQueue("test_queue", 50, () => here);
  measureQueue("test_queue", 50, () => 4);
  assert.equal(await shown("plexus_waiting", 'bound="test_queue"'), 7);
  here = 5;
  assert.equal(await shown("plexus_waiting", 'bound="test_queue"'), 9);
  assert.equal(await shown("plexus_bound", 'bound="test_queue"'), 50);
  stop();
  assert.equal(await shown("plexus_waiting", 'bound="test_queue"'), 4);
});

test("a gate shows who waits at it, and whom it turned away", async () => {
  const gate = new Gate("test_gate", 1, 1);
  let leave: () => void = () => undefined;
  const inside = gate.run(
    () =>
      new Promise<void>((resolve) => {
        leave = resolve;
      }),
  );
  const waiting = gate.run(() => Promise.resolve());
  await assert.rejects(
    gate.run(() => Promise.resolve()),
    /too many are waiting/,
  );
  assert.equal(await shown("plexus_waiting", 'bound="test_gate"'), 1);
  assert.equal(await shown("plexus_bound_reached_total", 'bound="test_gate"'), 1);
  leave();
  await Promise.all([inside, waiting]);
  assert.equal(await shown("plexus_waiting", 'bound="test_gate"'), 0);
});

test("what has waited at a gate for too long is not done any more, and holds nobody up", async (t) => {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const gate = new Gate("test_patience", 1, 3, 250);
  let leave: () => void = () => undefined;
  const inside = gate.run(() => new Promise<void>((resolve) => (leave = resolve)));
  let late = false;
  const waiting = gate.run(async () => {
    late = true;
  });
  const refused = assert.rejects(waiting, { code: "unavailable", retry: 1_000 });
  now = 251;
  const young = gate.run(async () => "done");
  leave();
  await refused;
  assert.deepEqual([await young, late], ["done", false]);
  await inside;
});

test("a connection that was lost is counted once, however often that is said", async () => {
  const redis = new Dependency("redis");
  const state = async () => [
    await shown("plexus_dependency_up", 'dependency="redis"'),
    await shown("plexus_dependency_losses_total", 'dependency="redis"'),
  ];
  redis.down();
  assert.deepEqual(await state(), [0, 0], "it was not there yet");
  redis.up();
  redis.down();
  redis.down();
  assert.deepEqual(await state(), [0, 1]);
  redis.up();
  assert.deepEqual(await state(), [1, 1]);
});
