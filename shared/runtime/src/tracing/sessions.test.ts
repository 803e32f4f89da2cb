import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_TRACE_SESSIONS, TRACE_ORDER_INTERVAL_MS, TraceSessions } from "./sessions.js";

const KEY = "acme/chat.a";

test("a session lives while it is said anew, and a little longer", () => {
  const sessions = new TraceSessions();
  for (let now = 0; now < 60_000; now += TRACE_ORDER_INTERVAL_MS) {
    sessions.heard(KEY, now);
    sessions.expire(now);
    assert.ok(sessions.has(KEY));
  }
  sessions.expire(60_000 + 2 * TRACE_ORDER_INTERVAL_MS);
  assert.ok(sessions.has(KEY), "orders may be lost");
  sessions.expire(60_000 + 4 * TRACE_ORDER_INTERVAL_MS);
  assert.equal(sessions.size, 0);
  assert.equal(sessions.follow(KEY, 65_000), false);
  assert.equal(sessions.report(KEY, 65_000), null);
});

test("so many channels at once; those that are followed go on", () => {
  const sessions = new TraceSessions();
  for (let i = 0; i < 2 * MAX_TRACE_SESSIONS; i++) sessions.heard(`acme/chat.${i}`, 0);
  assert.equal(sessions.size, MAX_TRACE_SESSIONS);
  assert.ok(sessions.has("acme/chat.0") && !sessions.has(`acme/chat.${MAX_TRACE_SESSIONS}`));
});

test("of a busy channel some are followed, and the others are counted", () => {
  const sessions = new TraceSessions();
  sessions.heard(KEY, 0);
  const followed = Array.from({ length: 100 }, () => sessions.follow(KEY, 0)).filter(Boolean).length;
  assert.equal(followed, 20);
  assert.equal(sessions.report(KEY, 0), 80);
  assert.equal(sessions.report(KEY, 0), 0, "said once");
  assert.equal(sessions.follow(KEY, 1_000), true);
});

test("what is reported is bounded too: of other messages there are spans as well", () => {
  const sessions = new TraceSessions();
  sessions.heard(KEY, 0);
  const reported = Array.from({ length: 1_000 }, () => sessions.report(KEY, 0)).filter((n) => n !== null);
  assert.equal(reported.length, 200);
});
