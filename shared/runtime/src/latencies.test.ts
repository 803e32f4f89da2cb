import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Latencies } from "./latencies.js";

/** A bucket is so much wider than the one before. */
const WIDTH = 2 ** (1 / 4);
const ms = fc.double({ min: 0.06, max: 90_000, noNaN: true });

function of(values: readonly number[]): Latencies {
  const latencies = new Latencies();
  for (const value of values) latencies.add(value);
  return latencies;
}

test("of nothing there is no quantile, rather than 0", () => {
  assert.equal(new Latencies().quantile(0.5), null);
  const taken = of([3]);
  taken.take();
  assert.equal(taken.quantile(0.5), null);
});

test("a quantile is no less than the true one, and a bucket more at most", () => {
  fc.assert(
    fc.property(
      fc.array(ms, { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (all, part) => {
        const truth = [...all].sort((a, b) => a - b)[Math.max(0, Math.ceil(part * all.length) - 1)]!;
        const said = of(all).quantile(part)!;
        assert.ok(said >= truth * 0.999_999 && said <= truth * WIDTH * 1.000_001, `${said} for ${truth}`);
      },
    ),
  );
});

test("what several processes counted is, added up, what one would have counted", () => {
  fc.assert(
    fc.property(fc.array(fc.array(ms, { maxLength: 50 }), { minLength: 1, maxLength: 5 }), (processes) => {
      const merged = new Latencies();
      for (const process of processes) merged.addAll(JSON.parse(JSON.stringify(of(process).take())));
      const one = of(processes.flat());
      for (const part of [0.1, 0.5, 0.99]) assert.equal(merged.quantile(part), one.quantile(part));
      assert.equal(merged.total, processes.flat().length);
    }),
  );
});

test("many that took the same time are added at once", () => {
  const latencies = of([100]);
  latencies.add(1, 99);
  assert.ok(latencies.quantile(0.99)! < 1.3);
  assert.ok(latencies.quantile(1)! >= 100);
});

test("whatever comes over the bus, and however long something took, a bucket takes it or nothing does", () => {
  const latencies = new Latencies();
  latencies.addAll([-1, 5, 1.5, 5, 9_999, 5, 3]);
  assert.equal(latencies.total, 0);
  for (const value of [0, -1, Number.NaN, 1e12]) latencies.add(value);
  assert.equal(latencies.total, 4);
});
