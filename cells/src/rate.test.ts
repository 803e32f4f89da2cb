import assert from "node:assert/strict";
import { test } from "node:test";
import { Rate } from "./rate.js";

test("a rate is the growth over the span, per second", () => {
  const rate = new Rate(5_000);
  assert.equal(rate.perSecond, 0);
  for (let second = 0; second <= 10; second++) rate.sample(second * 20, second * 1_000);
  assert.equal(rate.perSecond, 20);
});

test("a rate falls to zero once the growth lies further back than the span", () => {
  const rate = new Rate(5_000);
  rate.sample(0, 0);
  rate.sample(100, 1_000);
  assert.equal(rate.perSecond, 100);
  for (let second = 2; second <= 6; second++) rate.sample(100, second * 1_000);
  assert.equal(rate.perSecond, 0);
});

test("a sample that comes late is still a rate per second", () => {
  const rate = new Rate(5_000);
  rate.sample(0, 0);
  rate.sample(300, 30_000);
  assert.equal(rate.perSecond, 10);
});
