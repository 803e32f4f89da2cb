import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTraceparent } from "@plexus/protocol";
import type { Ended, PublishedItem } from "@plexus/runtime";
import { AppendTrace } from "./append-trace.js";

const traceparent = (n: number, flags = "01") =>
  `00-${String(n).repeat(32)}-${String(n).repeat(16)}-${flags}`;
const stored = { stored: true as const, logSeq: 9 };

function batch(items: PublishedItem[], traces?: Array<[number, string]>) {
  const to = { reply: "r", correlation: 1, at: 10, ...(traces === undefined ? {} : { traces }) };
  return { to, messages: items.length, answer: ["e", 0, 0, items] as const };
}

function traced(...taken: Array<ReturnType<typeof batch>>) {
  const ended: Ended[] = [];
  const tracer = { ended: (_: string, stage: Ended) => void ended.push(stage) };
  return { trace: AppendTrace.of(tracer, "acme/chat.a", taken, 12), ended };
}

test("no trace of a record in which nothing is traced, or only what is stored already", () => {
  assert.equal(traced(batch([[1, 0, false]])).trace, undefined);
  assert.equal(traced(batch([[1, 0, true]], [[0, traceparent(1)]])).trace, undefined);
  assert.equal(traced(batch([[1, 0, false]], [[0, "nonsense"]])).trace, undefined);
  assert.equal(traced(batch([[1, 0, false]], [[7, traceparent(1)]])).trace, undefined);
});

test("the mailbox of each, and one append that continues the first and has links to all", () => {
  const { trace, ended } = traced(
    batch(
      [
        [4, 0, true],
        [5, 0, false],
        [6, 0, false],
      ],
      [[1, traceparent(1)]],
    ),
    batch([[7, 0, false]], [[0, traceparent(2)]]),
    batch([[8, 0, false]]),
  );
  trace!.ended(stored, 20);
  const [first, second, append] = ended;
  assert.deepEqual([first!.stage, second!.stage, append!.stage], ["mailbox", "mailbox", "append"]);
  assert.deepEqual([first!.from, first!.to, first!.parent], [10, 12, "1".repeat(16)]);
  assert.deepEqual([second!.context.trace, second!.parent], ["2".repeat(32), "2".repeat(16)]);
  assert.deepEqual([append!.context.trace, append!.parent], ["1".repeat(32), "1".repeat(16)]);
  assert.deepEqual([append!.from, append!.to, append!.facts], [12, 20, { seq: 5, messages: 4 }]);
  assert.deepEqual(
    append!.links?.map(({ span }) => span),
    ["1".repeat(16), "2".repeat(16)],
  );
  for (const { links } of [first!, second!]) assert.equal(links?.[0]?.span, append!.context.span);
  assert.deepEqual(parseTraceparent(trace!.traceparent), append!.context);
});

test("one that is exported goes before one that is only followed; a failure is named", () => {
  const { trace, ended } = traced(
    batch([[5, 0, false]], [[0, traceparent(1, "00")]]),
    batch([[6, 0, false]], [[0, traceparent(2)]]),
  );
  trace!.ended({ stored: false, why: "fence", message: "no" }, 20);
  assert.deepEqual(ended[2]!.context.sampled, true);
  assert.equal(ended[2]!.context.trace, "2".repeat(32));
  assert.equal(ended[2]!.facts?.error, "fence");
});
