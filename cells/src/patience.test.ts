import assert from "node:assert/strict";
import { test } from "node:test";
import { Patience } from "./patience.js";

test("it ends when nothing succeeds for so long, and begins anew with every progress", () => {
  const patience = new Patience(100);
  assert.equal(patience.failed(0, 5), false);
  assert.equal(patience.failed(99, 5), false);
  assert.equal(patience.failed(100, 6), false, "one more was done");
  assert.equal(patience.failed(199, 6), false);
  assert.equal(patience.failed(200, 6), true);
  assert.equal(patience.failed(201, 6), true, "and stays ended");
  patience.renew();
  assert.equal(patience.failed(300, 6), false);
});

test("a limit of nothing ends it with the first failure", () => {
  assert.equal(new Patience(0).failed(7, 0), true);
});
