import assert from "node:assert/strict";
import { test } from "node:test";
import { DROP_MS, dropsOf } from "./schedule.js";
import { Tally } from "./tally.js";

test("what is missing, came twice or late is counted", () => {
  const tally = new Tally(5);
  for (const number of [0, 1, 1, 4, 2]) tally.got(number);
  assert.deepEqual(tally.received, { unique: 4, duplicated: 1, outOfOrder: 1 });
});

test("the same seed gives the same drops, of everybody, one after the other and over in time", () => {
  const drops = dropsOf(7, 20, 30_000);
  assert.deepEqual(drops, dropsOf(7, 20, 30_000));
  assert.notDeepEqual(drops, dropsOf(8, 20, 30_000));
  for (let client = 0; client < 20; client++) {
    const own = drops.filter((drop) => drop.client === client).map(({ atMs }) => atMs);
    assert.ok(own.length >= 2 && own.at(-1)! + DROP_MS <= 30_000);
    for (const [i, atMs] of own.entries()) assert.ok(i === 0 || atMs > own[i - 1]! + DROP_MS);
  }
});
