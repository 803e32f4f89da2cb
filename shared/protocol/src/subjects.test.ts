/** Subjects: contracts with bots and between processes, so golden values; and the way back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { logStream, parseLogSubject, subjects } from "./subjects.js";
import { anyChannel, anyTenant } from "./testing/arbitraries.js";

test("subjects stay what they are", () => {
  assert.equal(subjects.event("acme", "chat.lobby"), "evt.acme.chat.lobby");
  assert.equal(subjects.log("eu-1", "acme", "chat.lobby"), "log.eu-1.acme.chat.lobby");
  assert.equal(subjects.logOfCell("eu-1"), "log.eu-1.>");
  assert.equal(subjects.command("eu-1", 63), "cmd.eu-1.63");
  assert.equal(subjects.commandAt("eu-1", "w1"), "cmd.eu-1.at.w1");
  assert.equal(subjects.answer("g1-ab", 7), "ans.g1-ab.7");
  assert.equal(subjects.answersTo("g1-ab"), "ans.g1-ab.*");
  assert.equal(subjects.beat("eu-1"), "beat.eu-1");
  assert.equal(subjects.aliveWorker("eu-1", "eu-1-w2"), "alive.eu-1.eu-1-w2");
  assert.equal(subjects.lease("eu-1"), "lease.eu-1");
  assert.equal(subjects.ping("eu-1"), "ping.eu-1");
  assert.equal(logStream("eu-1"), "LOG_eu-1");
  assert.equal(subjects.lifecycle("acme", "connected"), "life.acme.connected");
  assert.equal(subjects.lifecycle("acme", "occupied", "chat.lobby"), "life.acme.occupied.chat.lobby");
  assert.equal(subjects.roster("g1-ab_0", "acme"), "roster.g1-ab_0.acme");
  assert.equal(subjects.sourceEnded("g1-ab_0"), "ended.g1-ab_0");
  assert.equal(subjects.deadLetters("acme", "billing"), "dead.acme.billing");
});

test("a log subject is taken apart into what it was made of", () => {
  fc.assert(
    fc.property(anyTenant, anyTenant, anyChannel, (cell, tenant, channel) => {
      const subject = subjects.log(cell, tenant, channel);
      assert.deepEqual(parseLogSubject(subject), { cell, tenant, channel });
      assert.match(subject, /^[A-Za-z0-9_.-]+$/);
    }),
  );
});

test("what a cell's stream republishes ends where subscribers listen", () => {
  // The stream's mapping log.<cell>.> → evt.> keeps what the wildcard stands for.
  const stored = subjects.log("eu-1", "acme", "chat.lobby");
  const prefix = subjects.logOfCell("eu-1").slice(0, -1);
  assert.ok(stored.startsWith(prefix));
  assert.equal(
    subjects.allEvents.replace(">", stored.slice(prefix.length)),
    subjects.event("acme", "chat.lobby"),
  );
});

test("anything else is no log subject", () => {
  for (const other of ["", "log", "log.eu-1", "log.eu-1.acme", "evt.acme.chat.lobby"])
    assert.equal(parseLogSubject(other), null, other);
});
