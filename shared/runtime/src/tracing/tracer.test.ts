import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTraceparent } from "@plexus/protocol";
import { silent } from "../testing/index.js";
import type { Span } from "./span.js";
import { type TraceReport, Tracer } from "./tracer.js";

const SENDER = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;

function tracer({ ratio = 0, exports = true } = {}) {
  const exported: Span[] = [];
  const reported: TraceReport[] = [];
  const made = new Tracer({
    process: "g1",
    exporter: exports ? { add: (span) => void exported.push(span) } : null,
    sampling: { ratio, maxPerS: 10 },
    report: (report) => void reported.push(report),
    log: silent,
  });
  return { tracer: made, exported, reported };
}

test("without a collector and without anybody who follows, nothing is traced, whoever asks", () => {
  const { tracer: idle } = tracer({ ratio: 1, exports: false });
  assert.equal(idle.active, false);
  assert.equal(idle.begin("acme", "chat.a", SENDER, "client"), undefined);
  let looked = false;
  const header = () => {
    looked = true;
    return SENDER;
  };
  assert.equal(idle.carried("acme/chat.a", header), null);
  assert.equal(looked, false, "headers are not even decoded");
});

test("a sender's trace is continued; one without becomes the root of a new one", () => {
  const { tracer: exporting, exported } = tracer({ ratio: 1 });
  const given = exporting.begin("acme", "chat.a", SENDER, "client")!;
  given.sent(performance.now());
  given.sent(performance.now());
  given.stored("e", 7, true, performance.now());
  const [lane, publish] = exported as [Span, Span];
  assert.equal(exported.length, 2, "a batch that is sent again was sent once");
  assert.deepEqual([publish.trace, publish.parent], ["a".repeat(32), "b".repeat(16)]);
  assert.deepEqual([lane.parent, lane.stage], [publish.span, "lane"]);
  assert.deepEqual(publish.facts, { by: "client", epoch: "e", seq: 7, dup: true });
  assert.deepEqual([publish.tenant, publish.channel, publish.process], ["acme", "chat.a", "g1"]);
  assert.equal(parseTraceparent(given.traceparent)?.span, publish.span);
  const own = exporting.begin("acme", "chat.a", "nonsense", "bot")!;
  own.failed("timeout", performance.now());
  assert.deepEqual([exported[2]!.parent, exported[2]!.facts.error], [null, "timeout"]);
});

test("a channel that is followed is traced for those who follow alone, until nobody does", () => {
  const { tracer: followed, exported, reported } = tracer({ exports: false });
  followed.ordered({ tenant: "acme", channel: "chat.a" });
  assert.equal(followed.active, true);
  assert.equal(followed.begin("acme", "chat.b", SENDER, "client"), undefined, "another channel");
  const publish = followed.begin("acme", "chat.a", undefined, "client")!;
  publish.stored("e", 1, false, performance.now());
  assert.deepEqual([exported.length, reported.length, reported[0]?.span.sampled], [0, 1, false]);
  assert.notEqual(
    followed.carried("acme/chat.a", () => publish.traceparent),
    null,
  );
  assert.equal(
    followed.carried("acme/chat.b", () => publish.traceparent),
    null,
  );
});
