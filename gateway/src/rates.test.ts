import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions } from "@plexus/runtime";
import { rateOptions, ratesOf } from "./rate-options.js";
import { ConnectionUsage, type RateKind } from "./rates.js";

const defaults = ratesOf({ ...readOptions(rateOptions, {}), maxChannels: 500 });

/** How many of a kind are allowed when `perSecond` of them come for so long. */
function allowed(kind: RateKind, perSecond: number, seconds: number): number {
  const usage = new ConnectionUsage();
  let count = 0;
  for (let i = 0; i < perSecond * seconds; i++)
    if (usage.take(kind, defaults, (i * 1_000) / perSecond) === 0) count++;
  return count;
}

test("the defaults let a busy publisher be: 2,000 a second for a minute, and 10,000 at once", () => {
  assert.equal(allowed("publishes", 2_000, 60), 120_000);
  const usage = new ConnectionUsage();
  for (let i = 0; i < 10_000; i++) assert.equal(usage.take("publishes", defaults, 0), 0);
});

test("who comes back may subscribe to all of its channels at once, however many it may have", () => {
  const usage = new ConnectionUsage();
  for (let i = 0; i < 1_000; i++) assert.equal(usage.take("subscriptions", defaults, 0), 0);
  const many = ratesOf({ ...readOptions(rateOptions, {}), maxChannels: 20_000 });
  assert.ok(many.subscriptions.burst >= 20_000);
});

test("beyond them there is a bound", () => {
  const { perSecond, burst } = defaults.publishes;
  const most = burst + 10 * perSecond;
  const count = allowed("publishes", 4 * perSecond, 10);
  assert.ok(count <= most && count >= most - 1, `${count}`);
});

test("each kind has a bucket of its own", () => {
  const rates = { ...defaults, signals: { perSecond: 1, burst: 1 } };
  const usage = new ConnectionUsage();
  assert.equal(usage.take("signals", rates, 0), 0);
  assert.equal(usage.take("signals", rates, 0), 1_000);
  assert.equal(usage.take("publishes", rates, 0), 0);
});

test("thousands of refusals in a row are too many; a few now and then are not", () => {
  const impatient = new ConnectionUsage();
  let refusals = 0;
  while (!impatient.countRefusal(refusals / 50)) refusals++;
  assert.ok(refusals >= 20_000 && refusals < 23_000, `${refusals}`);
  const patient = new ConnectionUsage();
  for (let i = 0; i < 100_000; i++) assert.equal(patient.countRefusal(i), false);
});

test("a connection that rests forgets its buckets as soon as that makes no difference, and not before", () => {
  const rates = { ...defaults, signals: { perSecond: 10, burst: 2 } };
  const usage = new ConnectionUsage();
  const signal = (now: number) => usage.take("signals", rates, now);
  assert.deepEqual([signal(0), signal(0)], [0, 0]);
  usage.rest(rates, 0);
  assert.ok(signal(0) > 0, "it has used up what it may");
  usage.rest(rates, 150);
  assert.equal(signal(150), 0);
  assert.ok(signal(150) > 0, "no more than has come back by then");
  usage.rest(rates, 60_000);
  assert.deepEqual([signal(60_000), signal(60_000)], [0, 0]);
  assert.ok(signal(60_000) > 0);
});
