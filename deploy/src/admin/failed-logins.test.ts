import assert from "node:assert/strict";
import { test } from "node:test";
import { FailedLogins } from "./failed-logins.js";

test("after twenty wrong tokens an address waits, and one more may be tried every three seconds", () => {
  const failed = new FailedLogins();
  for (let i = 0; i < 20; i++) {
    assert.equal(failed.waitMs("203.0.113.9", 0), 0);
    failed.count("203.0.113.9", 0);
  }
  assert.equal(failed.waitMs("203.0.113.9", 0), 3_000);
  assert.equal(failed.waitMs("203.0.113.8", 0), 0, "others don't wait");
  assert.equal(failed.waitMs("203.0.113.9", 3_000), 0);
  failed.count("203.0.113.9", 3_000);
  assert.equal(failed.waitMs("203.0.113.9", 3_000), 3_000);
  assert.equal(failed.waitMs("203.0.113.9", 63_000), 0);
});

test("one network of IPv6 is one address", () => {
  const failed = new FailedLogins();
  for (let i = 0; i < 20; i++) failed.count(`2001:db8::${i}`, 0);
  assert.ok(failed.waitMs("2001:db8::ffff", 0) > 0);
});

test("the memory is bounded, and it is the oldest who is forgotten", () => {
  const failed = new FailedLogins();
  for (let i = 0; i < 20; i++) failed.count("203.0.113.9", 0);
  for (let i = 0; i < 9_999; i++) failed.count(`10.${i >> 8}.${i & 255}.1`, 0);
  assert.equal(failed.size, 10_000);
  assert.ok(failed.waitMs("203.0.113.9", 0) > 0);
  failed.count("198.51.100.1", 0);
  assert.equal(failed.size, 10_000);
  assert.equal(failed.waitMs("203.0.113.9", 0), 0);
});
