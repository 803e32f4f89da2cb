import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, clock, cores, count, millis, plural, rate, span } from "./format.js";

test("figures are short, and what is unknown is a dash", () => {
  for (const format of [count, rate, millis, cores, bytes])
    for (const unknown of [null, undefined]) assert.equal(format(unknown), "–");
  assert.deepEqual([0, 12_345, 1_234_567].map(count), ["0", "12,345", "1.2M"]);
  assert.deepEqual([0, 0.24, 9.96, 53.4].map(rate), ["0", "0.2", "10", "53"]);
  assert.deepEqual([0.234, 12.3, 1_540].map(millis), ["0.2 ms", "12 ms", "1.5 s"]);
  assert.equal(cores(0.42), "42 %");
  assert.deepEqual([0, 1_023, 1_536, 87_031_808].map(bytes), ["0 B", "1,023 B", "1.5 KiB", "83 MiB"]);
  assert.deepEqual([plural(1, "channel"), plural(2, "channel")], ["1 channel", "2 channels"]);
});

test("a span has its two largest units", () => {
  assert.deepEqual([-5, 1_240, 59_900, 61_000, 3_700_000, 90_000_000].map(span), [
    "0 s",
    "1.2 s",
    "59 s",
    "1 min 1 s",
    "1 h 1 min",
    "1 d 1 h",
  ]);
});

test("a time of another day says which", () => {
  const now = Date.UTC(2026, 10, 22, 9, 3, 5);
  assert.equal(clock(now, now, "UTC"), "09:03:05");
  assert.equal(clock(now - 86_400_000, now, "UTC"), "2026-11-21 09:03:05");
});
