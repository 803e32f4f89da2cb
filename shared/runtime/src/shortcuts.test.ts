import assert from "node:assert/strict";
import { test } from "node:test";
import { Shortcuts } from "./shortcuts.js";

const WORKER = "cmd.eu-1.at.w1";

/** One worker that answered for one partition at time 0. */
function answered() {
  const shortcuts = new Shortcuts();
  const partition = shortcuts.partition("eu-1", 7);
  partition.worker = shortcuts.heard(WORKER, 0);
  return { shortcuts, partition };
}

test("a partition for which nobody answered has its own subject", () => {
  const shortcuts = new Shortcuts();
  assert.equal(shortcuts.from(shortcuts.partition("eu-1", 7), 0).subject, "cmd.eu-1.7");
});

test("commands go to the worker that answered, as one address for all of its partitions", () => {
  const { shortcuts, partition } = answered();
  const other = shortcuts.partition("eu-1", 8);
  other.worker = shortcuts.heard(WORKER, 5);
  assert.equal(shortcuts.from(partition, 10).subject, WORKER);
  assert.equal(shortcuts.from(partition, 10), shortcuts.from(other, 10));
  assert.equal(shortcuts.partition("eu-1", 7), partition, "it is known by its number");
  assert.equal(shortcuts.from(shortcuts.partition("us-1", 7), 10).subject, "cmd.us-1.7");
});

test("who has fallen silent is left out until it is heard again", () => {
  const { shortcuts, partition } = answered();
  assert.equal(shortcuts.from(partition, 200).subject, WORKER);
  assert.equal(shortcuts.from(partition, 300).subject, "cmd.eu-1.7");
  shortcuts.heard(WORKER, 300);
  assert.equal(shortcuts.from(partition, 310).subject, WORKER);
});

test("who is gone is left out at once", () => {
  const { shortcuts, partition } = answered();
  shortcuts.gone(WORKER);
  assert.equal(shortcuts.from(partition, 1).subject, "cmd.eu-1.7");
});

test("a worker that does not say who it is makes no shortcut", () => {
  assert.equal(new Shortcuts().heard("", 0), undefined);
  assert.equal(new Shortcuts().heard(undefined, 0), undefined);
});

test("who was not heard for long is forgotten", () => {
  const { shortcuts, partition } = answered();
  const known = partition.worker;
  shortcuts.forgetSilent(9_000);
  assert.equal(shortcuts.heard(WORKER, 9_000), known);
  shortcuts.forgetSilent(20_000);
  assert.notEqual(shortcuts.heard(WORKER, 20_000), known);
});
