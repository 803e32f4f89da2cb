import assert from "node:assert/strict";
import { test } from "node:test";
import { GONE_AFTER_MS, GoneCells } from "./gone-cells.js";

test("a log counts as gone once it could not be reached for a while, for all channels together", async () => {
  const gone = new GoneCells(async () => true);
  assert.equal(await gone.isGone("c0", 0), false);
  assert.equal(await gone.isGone("c0", GONE_AFTER_MS - 1), false);
  assert.equal(await gone.isGone("c1", GONE_AFTER_MS), false, "another cell");
  assert.equal(await gone.isGone("c0", GONE_AFTER_MS), true);
});

test("two failures with a long time in between are two moments", async () => {
  const gone = new GoneCells(async () => true);
  for (const now of [0, 60_000, 61_000]) assert.equal(await gone.isGone("c0", now), false, `${now}`);
  assert.equal(await gone.isGone("c0", 60_000 + GONE_AFTER_MS), true);
});

test("failures with an answer in between are moments, however many there are", async () => {
  const gone = new GoneCells(async () => true);
  for (let now = 0; now < 5 * GONE_AFTER_MS; now += GONE_AFTER_MS / 2) {
    assert.equal(await gone.isGone("c0", now), false, `${now}`);
    gone.answered("c0");
  }
  gone.answered("never failed");
  assert.equal(await gone.isGone("c0", 6 * GONE_AFTER_MS), false);
  assert.equal(await gone.isGone("c0", 7 * GONE_AFTER_MS), true);
});

test("without the hub nothing is known of the cell, and counting begins anew when it is back", async () => {
  let isThere = true;
  const gone = new GoneCells(async () => isThere);
  await gone.isGone("c0", 0);
  isThere = false;
  assert.equal(await gone.isGone("c0", GONE_AFTER_MS), false);
  isThere = true;
  assert.equal(await gone.isGone("c0", GONE_AFTER_MS + 1), false);
  assert.equal(await gone.isGone("c0", 2 * GONE_AFTER_MS + 1), true);
});

test("those who ask at once ask the hub once", async () => {
  let asked = 0;
  const gone = new GoneCells(async () => {
    asked++;
    return true;
  });
  await Promise.all(Array.from({ length: 1_000 }, () => gone.isGone("c0", 0)));
  assert.equal(asked, 1);
});
