import assert from "node:assert/strict";
import { test } from "node:test";
import type { Span } from "@plexus/runtime";
import { TraceCollector } from "./collector.js";
import { timelineOf } from "./timeline.js";

const TRACE = "1".repeat(32);

function span(
  stage: Span["stage"],
  id: string,
  process: string,
  at: number,
  ms: number,
  more: Partial<Span> = {},
) {
  const own = { trace: TRACE, span: id, sampled: false, stage, process, at, ms };
  const rest = { parent: "p", links: [], tenant: "acme", channel: "chat.a", facts: {} };
  return { ...own, ...rest, ...more } satisfies Span;
}
const link = { trace: TRACE, span: "p" };

/** Received at 1,000 by g1's clock, sent 1 ms later, answered after 11; the worker's clock is `ahead`. */
function message(ahead: number): { publish: Span; spans: Span[] } {
  const facts = { by: "client" as const, epoch: "e", seq: 5 };
  const publish = span("publish", "p", "g1", 1_000, 11, { parent: null, facts });
  const worker = 1_000 + ahead;
  const spans = [
    publish,
    span("lane", "l", "g1", 1_000, 1),
    span("mailbox", "m", "w1", worker + 3, 2, { links: [{ trace: TRACE, span: "a" }] }),
    span("append", "a", "w1", worker + 5, 4, { links: [link], facts: { seq: 4, messages: 2 } }),
    span("fan_out", "f1", "g1", 1_008, 1.25, { parent: "a", facts: { receivers: 3 } }),
    span("fan_out", "f2", "g2", 1_009.5, 1, { parent: "a", facts: { receivers: 4 } }),
  ];
  return { publish, spans };
}

test("what the receiving process did is exact, and a worker's part lies in the middle, whatever its clock says", () => {
  for (const ahead of [0, 3_600_000, -86_400_000]) {
    const { publish, spans } = message(ahead);
    const { hops, receivedAt, seq } = timelineOf(publish, spans.toReversed());
    assert.deepEqual([receivedAt, seq], [1_000, 5]);
    assert.deepEqual(
      hops.map(({ stage, process, at, by }) => [at, process, stage, by]),
      [
        [0, "g1", "received", "exact"],
        [1, "g1", "sent", "exact"],
        // 10 ms between the sending and the answer, 6 of them in the worker: 2 before, 2 after.
        [3, "w1", "arrived", "within"],
        [5, "w1", "taken", "within"],
        [8, "g1", "seen", "exact"],
        [9, "w1", "stored", "within"],
        [9.25, "g1", "handed", "exact"],
        [9.5, "g2", "seen", "clock"],
        [10.5, "g2", "handed", "clock"],
        [11, "g1", "answered", "exact"],
      ],
    );
    assert.ok(hops.filter(({ process }) => process === "w1").every(({ within }) => within === 2));
    assert.equal(hops.find(({ stage }) => stage === "stored")?.messages, 2);
    assert.deepEqual(
      hops.filter(({ stage }) => stage === "handed").map(({ receivers }) => receivers),
      [3, 4],
    );
  }
});

test("durations are those of one process", () => {
  const { publish, spans } = message(500);
  const { hops } = timelineOf(publish, spans);
  const took = Object.fromEntries(
    hops.filter(({ process }) => process !== "g2").map((hop) => [hop.stage, hop.took]),
  );
  assert.deepEqual(took, {
    received: undefined,
    sent: 1,
    arrived: undefined,
    taken: 2,
    seen: undefined,
    stored: 4,
    handed: 1.25,
    answered: 11,
  });
});

test("a worker that needed longer than the question took is no measure: its clock has to do", () => {
  const { publish, spans } = message(0);
  const repeated = span("mailbox", "m2", "w1", 900, 2);
  const { hops } = timelineOf(publish, [...spans, repeated]);
  assert.ok(hops.filter(({ process }) => process === "w1").every(({ by }) => by === "clock"));
});

test("a bot is served by a worker: if that stores the message too, all of it is exact", () => {
  const { publish, spans } = message(0);
  const by = (process: string) => (one: Span) => (one.process === "g1" ? { ...one, process } : one);
  const { hops } = timelineOf(by("w1")(publish), spans.map(by("w1")));
  assert.ok(hops.filter(({ process }) => process === "w1").every((hop) => hop.by === "exact"));
});

test("one that failed, and one that was stored before", () => {
  const failed = span("publish", "p", "g1", 1_000, 7, {
    parent: null,
    facts: { by: "bot", error: "timeout" },
  });
  const { error, seq, hops } = timelineOf(failed, [failed]);
  assert.deepEqual(
    [error, seq, hops.at(-1)?.stage, hops.at(-1)?.error],
    ["timeout", null, "failed", "timeout"],
  );
  const twice = span("publish", "p", "g1", 1_000, 7, {
    parent: null,
    facts: { epoch: "e", seq: 3, dup: true },
  });
  assert.equal(timelineOf(twice, [twice]).dup, true);
});

test("other messages' stages are not its own, but for the record that both are in", () => {
  const { publish, spans } = message(0);
  const other = span("publish", "q", "g2", 1_002, 8, { parent: null, trace: "3".repeat(32) });
  const its = span("lane", "l2", "g2", 1_002, 1, { parent: "q", trace: "3".repeat(32) });
  const all = [...spans, other, its];
  assert.equal(timelineOf(publish, all).hops.length, 10);
  assert.deepEqual(
    timelineOf(other, all).hops.map(({ stage }) => stage),
    ["received", "sent", "answered"],
  );
});

test("a message is shown once, a moment after its answer, and old stages are forgotten", () => {
  const { publish, spans } = message(0);
  const collector = new TraceCollector();
  for (const one of spans) collector.add(one, 0);
  assert.deepEqual(collector.take(300), []);
  assert.deepEqual(
    collector.take(400).map(({ hops }) => hops.length),
    [10],
  );
  assert.deepEqual(collector.take(500), []);
  collector.take(60_000);
  collector.add(publish, 60_000);
  assert.deepEqual(
    collector.take(60_400).map(({ hops }) => hops.length),
    [2],
  );
  for (let i = 0; i < 10_000; i++) collector.add(span("lane", `x${i}`, "g1", 0, 1), 60_000);
  for (const one of spans) collector.add(one, 60_000);
  assert.equal(collector.take(61_000)[0]?.hops.length, 10, "the oldest make room");
});
