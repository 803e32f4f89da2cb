import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BucketRate, MAX_DEBT_S, MAX_RETRY_MS, TokenBucket } from "./token-bucket.js";

const RATE: BucketRate = { perSecond: 100, burst: 10 };

const rates = fc.record({
  perSecond: fc.integer({ min: 1, max: 100_000 }),
  burst: fc.integer({ min: 1, max: 10_000 }),
});

test("a burst, then one for each token that comes", () => {
  const bucket = new TokenBucket(RATE, 0);
  for (let i = 0; i < 10; i++) assert.equal(bucket.take(RATE, 0), 0);
  assert.equal(bucket.take(RATE, 0), 10);
  assert.equal(bucket.take(RATE, 9.9), 11);
  assert.equal(bucket.take(RATE, 10), 0);
  assert.equal(bucket.take(RATE, 1_000_000), 0);
});

test("never more than the burst and what came since", () => {
  fc.assert(
    fc.property(rates, fc.array(fc.nat({ max: 50 }), { maxLength: 200 }), (rate, steps) => {
      const bucket = new TokenBucket(rate, 0);
      let [now, taken] = [0, 0];
      for (const step of steps) {
        now += step;
        for (let i = 0; i < 20; i++) if (bucket.take(rate, now) === 0) taken++;
      }
      assert.ok(taken <= rate.burst + (now * rate.perSecond) / 1_000 + 1e-3);
    }),
  );
});

test("who waits as long as it was told finds a token, if nobody else comes", () => {
  fc.assert(
    fc.property(rates, fc.double({ min: 0, max: 1e9, noNaN: true }), (rate, startAt) => {
      const bucket = new TokenBucket(rate, startAt);
      for (let i = 0; i < rate.burst; i++) bucket.take(rate, startAt);
      const retry = bucket.take(rate, startAt);
      assert.ok(retry >= 1);
      assert.equal(bucket.take(rate, startAt + retry), 0);
    }),
  );
});

test("a crowd that was refused at one moment comes back one after the other, and each finds a token", () => {
  // Times are whole milliseconds: with fewer of them than tokens, or room for one token only, some find none.
  const slow = fc.record({
    perSecond: fc.integer({ min: 1, max: 1_000 }),
    burst: fc.integer({ min: 2, max: 500 }),
  });
  fc.assert(
    fc.property(slow, fc.integer({ min: 1, max: 300 }), (rate, crowd) => {
      const bucket = new TokenBucket(rate, 0);
      for (let i = 0; i < rate.burst; i++) bucket.take(rate, 0);
      const turns = Array.from({ length: crowd }, () => bucket.take(rate, 0));
      const within = turns.filter((turn) => turn < MAX_RETRY_MS);
      for (const [i, turn] of within.entries()) assert.ok(turn >= (within[i - 1] ?? 0));
      for (const turn of within) assert.equal(bucket.take(rate, turn), 0);
    }),
  );
});

test("what is charged afterwards leads into debt, which has to be paid off first", () => {
  const bucket = new TokenBucket(RATE, 0);
  assert.equal(bucket.inDebt(RATE, 0), 0);
  bucket.charge(110, RATE, 0);
  assert.equal(bucket.tokens(RATE, 0), -100);
  assert.equal(bucket.inDebt(RATE, 0), 1_000);
  assert.equal(bucket.inDebt(RATE, 1_000), 0);
  assert.equal(bucket.take(RATE, 1_010), 0);
});

test("debt has a bound: a minute of good behaviour is always enough", () => {
  const bucket = new TokenBucket(RATE, 0);
  bucket.charge(1e12, RATE, 0);
  assert.equal(bucket.inDebt(RATE, MAX_DEBT_S * 1_000), 0);
});

test("another rate counts from the call that names it; a smaller burst is kept at once", () => {
  const bucket = new TokenBucket(RATE, 0);
  const smaller: BucketRate = { perSecond: 1, burst: 2 };
  assert.equal(bucket.tokens(smaller, 0), 2);
  assert.equal(bucket.tokens(RATE, 50), 7);
});

test("nobody is told to wait longer than the bound, and a clock that stands still harms nothing", () => {
  const bucket = new TokenBucket(RATE, 5);
  bucket.charge(1e9, RATE, 5);
  assert.equal(bucket.inDebt(RATE, 5), MAX_RETRY_MS);
  assert.equal(bucket.take(RATE, 4), MAX_RETRY_MS);
});
