/** Whose an acknowledgement is, however late it comes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AppendOutcome } from "./log.js";
import { acknowledgedSeq, PendingAppends } from "./pending-appends.js";

function told(outcome: AppendOutcome): string {
  return outcome.stored ? `stored at ${outcome.logSeq}` : outcome.message;
}

test("a number is used again once its acknowledgement has come, and not before", () => {
  const pending = new PendingAppends(false);
  const outcomes: string[] = [];
  const add = (name: string, deadlineAt: number) =>
    pending.add((outcome) => outcomes.push(`${name} ${told(outcome)}`), deadlineAt);
  const [a, b] = [add("a", 5), add("b", 9)];
  pending.settle(a, { stored: true, logSeq: 7 });
  assert.equal(add("c", 9), a);
  pending.giveUp(8, "late");
  assert.deepEqual(outcomes, ["a stored at 7"]);
  pending.giveUp(9, "late", () => outcomes.push("one:"));
  assert.deepEqual(outcomes.splice(0), ["a stored at 7", "one:", "c late", "one:", "b late"]);
  const d = add("d", 20);
  assert.ok(d !== a && d !== b, "theirs may still come");
  pending.settle(b, { stored: true, logSeq: 8 });
  assert.deepEqual(outcomes, []);
});

test("the sequence of an acknowledgement is read without parsing it; anything else is left to JSON", () => {
  const read = (text: string) => acknowledgedSeq(new TextEncoder().encode(text));
  assert.equal(read('{"stream":"LOG_eu-1","seq":7}'), 7);
  assert.equal(
    read(`{"stream":"LOG","domain":"eu-1","seq":${Number.MAX_SAFE_INTEGER}}`),
    Number.MAX_SAFE_INTEGER,
  );
  for (const other of [
    '{"stream":"LOG","seq":7,"duplicate":true}',
    '{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"stream":"LOG","seq":0}',
    '{"error":{"code":503}}',
    '{"seq":}',
    "7}",
    "",
  ])
    assert.equal(read(other), null, other);
});

test("an acknowledgement that comes twice is not taken for that of the next append under its number", () => {
  const pending = new PendingAppends(false);
  const outcomes: string[] = [];
  const number = pending.add(() => undefined, 9);
  pending.settle(number, { stored: true, logSeq: 7 });
  assert.equal(
    pending.add((outcome) => outcomes.push(told(outcome)), 9),
    number,
  );
  pending.settle(number, { stored: true, logSeq: 7 });
  assert.deepEqual(outcomes, []);
  pending.settle(number, { stored: true, logSeq: 8 });
  assert.deepEqual(outcomes, ["stored at 8"]);
});

test("one that was refused by a server and stored by the next leader is not taken for the next append", () => {
  const pending = new PendingAppends(false);
  const outcomes: string[] = [];
  const add = () => pending.add((outcome) => outcomes.push(told(outcome)), 9);
  const first = add();
  pending.settle(first, { stored: false, why: "refused", message: "no leader" });
  const second = add();
  pending.settle(first, { stored: true, logSeq: 7 });
  assert.deepEqual(outcomes, ["no leader"]);
  pending.settle(second, { stored: true, logSeq: 8 });
  assert.deepEqual(outcomes, ["no leader", "stored at 8"]);
});

test("in a replicated log a refusal by the leader before, after the acknowledgement, is not taken for the next append's", () => {
  const pending = new PendingAppends(true);
  const outcomes: string[] = [];
  const add = () => pending.add((outcome) => outcomes.push(told(outcome)), 9);
  const first = add();
  pending.settle(first, { stored: true, logSeq: 7 });
  const second = add();
  pending.settle(first, { stored: false, why: "refused", message: "not the leader" });
  pending.settle(second, { stored: true, logSeq: 8 });
  assert.deepEqual(outcomes, ["stored at 7", "stored at 8"]);
});

test("each is told once, what its own acknowledgement says, however late and often that comes", () => {
  interface Sent {
    readonly number: number;
    readonly said: string[];
    /** What its acknowledgement says; null until the first comes. */
    logSeq: number | null;
  }
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant("add" as const) }),
      fc.record({ do: fc.constant("acknowledge" as const), which: fc.nat() }),
      fc.record({ do: fc.constant("refuse" as const), which: fc.nat() }),
      fc.record({ do: fc.constant("give up" as const) }),
    ),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(steps, fc.boolean(), (all, replicated) => {
      const pending = new PendingAppends(replicated);
      const sent: Sent[] = [];
      for (const [now, step] of all.entries()) {
        if (step.do === "add") {
          const said: string[] = [];
          const number = pending.add((outcome) => said.push(told(outcome)), now);
          sent.push({ number, said, logSeq: null });
        } else if (step.do === "give up") pending.giveUp(now, "late");
        else if (sent.length > 0) {
          const one = sent[step.which % sent.length]!;
          if (step.do === "refuse") {
            if (one.logSeq === null || replicated)
              pending.settle(one.number, { stored: false, why: "refused", message: `refused ${one.number}` });
            continue;
          }
          one.logSeq ??= now;
          pending.settle(one.number, { stored: true, logSeq: one.logSeq });
        }
      }
      pending.giveUp(Number.POSITIVE_INFINITY, "late");
      for (const { number, said, logSeq } of sent)
        assert.ok(
          said.length === 1 && ["late", `refused ${number}`, `stored at ${logSeq}`].includes(said[0]!),
          `${said}`,
        );
    }),
  );
});
