/** What comes, however it comes, is handled in order, once and without a gap; or the bot is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryMessage, MsgFrame } from "@plexus/protocol";
import { Reception, type Step } from "./reception.js";

const message = (seq: number) => ({ id: String(seq), user: "u", conn: "c", ts: 1, data: seq });

function record(seq: number, n = 1, epoch = "e"): MsgFrame {
  const m = Array.from({ length: n }, (_, i) => message(seq + i));
  return { op: "msg", ch: "a", epoch, seq, n, m } as MsgFrame;
}

/** A log that keeps what is behind `trimmed`, and answers with `pageSize` messages at most. */
function page(after: number, head: number, { epoch = "e", trimmed = 0, pageSize = 3 } = {}) {
  const first = Math.max(after, trimmed) + 1;
  const n = Math.max(0, Math.min(pageSize, head - first + 1));
  const messages: HistoryMessage[] = Array.from({ length: n }, (_, i) => ({
    seq: first + i,
    ...message(first + i),
  }));
  return { epoch, messages, more: first + n - 1 < head };
}

/** Does what is to be done until nothing is, and says in short what that was. */
function run(
  reception: Reception,
  log: { head: number; epoch?: string; trimmed?: number; stale?: number },
): string {
  const done: string[] = [];
  let fetches = 0;
  for (let step: Step = reception.next(); step.kind !== "idle"; step = reception.next()) {
    if (step.kind === "handle") {
      done.push(String(step.message.seq));
      reception.handled(step.message);
    } else if (step.kind === "fetch") {
      assert.ok(++fetches < 100, "it goes on and on");
      const head = fetches <= (log.stale ?? 0) ? step.after : log.head;
      done.push(`?${step.after}`);
      reception.fetched(step.after, page(step.after, head, log));
    } else if (step.kind === "head") {
      done.push("head");
      reception.stands({ epoch: log.epoch ?? "e", seq: log.head });
    } else {
      const { reason, from, to } = step.reset;
      done.push(`${reason} ${from.epoch}${from.seq}>${to.epoch}${to.seq}`);
    }
  }
  return done.join(" ");
}

test("what was missed before is read first, page by page, then live records follow", () => {
  const reception = new Reception("a", { epoch: "e", seq: 2 });
  reception.offer(record(9, 2), 1);
  assert.equal(run(reception, { head: 10 }), "?2 3 4 5 ?5 6 7 8 ?8 9 10");
  reception.offer(record(11, 2), 1);
  reception.offer(record(13), 1);
  assert.equal(run(reception, { head: 13 }), "11 12 13");
  assert.deepEqual(reception.position, { epoch: "e", seq: 13 });
});

test("a gap is read, repetitions and what was read already are passed over", () => {
  const reception = new Reception("a", { epoch: "e", seq: 0 });
  assert.equal(run(reception, { head: 0 }), "?0");
  for (const seq of [1, 1, 5, 3, 6]) reception.offer(record(seq), 1);
  assert.equal(run(reception, { head: 6 }), "1 ?1 2 3 4 ?4 5 6");
  reception.offer(record(5, 4), 1);
  assert.equal(run(reception, { head: 8 }), "7 8");
});

test("a look finds what was lost at the end", () => {
  const reception = new Reception("a", { epoch: "e", seq: 0 });
  run(reception, { head: 0 });
  assert.equal(run(reception, { head: 2 }), "");
  reception.fellBehind();
  assert.equal(run(reception, { head: 2 }), "?0 1 2");
});

test("a look that comes while a page is being read is not satisfied by that page", () => {
  const reception = new Reception("a", { epoch: "e", seq: 0 });
  assert.equal(reception.next().kind, "fetch");
  reception.fellBehind();
  reception.fetched(0, page(0, 1));
  assert.equal(run(reception, { head: 2 }), "1 ?1 2");
  assert.equal(run(reception, { head: 2 }), "");
});

test("too much that waits is forgotten and read", () => {
  const reception = new Reception("a", { epoch: "e", seq: 0 });
  run(reception, { head: 0 });
  for (let seq = 1; seq <= 1_000; seq++) reception.offer(record(seq), 1);
  for (let seq = 1_001; seq <= 1_003; seq++) reception.offer(record(seq), 600_000);
  const log = run(reception, { head: 50 });
  assert.ok(log.startsWith("?0 1 2 3 ?3 4"));
});

test("what retention took is told, and then what there is", () => {
  const reception = new Reception("a", { epoch: "e", seq: 2 });
  assert.equal(run(reception, { head: 8, trimmed: 5 }), "?2 trimmed e2>e5 6 7 8");
});

test("a channel in another epoch goes on where it stands, or with the record that showed it", () => {
  const resumed = new Reception("a", { epoch: "old", seq: 70 });
  resumed.offer(record(3, 1, "e"), 1);
  assert.equal(run(resumed, { head: 4 }), "?70 head epoch old70>e4 ?4");
  const live = new Reception("a", { epoch: "old", seq: 2 });
  run(live, { head: 2, epoch: "old" });
  live.offer(record(1, 2, "e"), 1);
  assert.equal(run(live, { head: 2 }), "epoch old2>e0 1 2");
});

test("an answer that is behind is asked for again, and believed in the end", () => {
  const reception = new Reception("a", { epoch: "e", seq: 0 });
  run(reception, { head: 0 });
  reception.offer(record(3), 1);
  assert.equal(run(reception, { head: 3, stale: 2 }), "?0 ?0 ?0 1 2 3");
  reception.offer(record(6), 1);
  assert.match(run(reception, { head: 3 }), /^(\?3 )+trimmed e3>e5 6$/);
});
