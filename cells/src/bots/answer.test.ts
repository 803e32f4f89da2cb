/** What does not fit into one answer comes in pages, and nothing is lost in between. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type HistoryMessage, type Member, PlexusError } from "@plexus/protocol";
import { errorAnswer, historyAnswer, MAX_LISTED_BYTES, membersAnswer } from "./answer.js";

const large = "x".repeat(100_000);
const message = (seq: number): HistoryMessage => ({ seq, id: String(seq), user: "u", ts: 1, data: large });
const messages = Array.from({ length: 10 }, (_, i) => message(i + 1));
const seqs = (answer: object) => (answer as { messages: HistoryMessage[] }).messages.map(({ seq }) => seq);

test("forwards the first that fit, backwards the last", () => {
  const forwards = historyAnswer({ epoch: "e", messages, more: false }, true);
  assert.deepEqual([seqs(forwards), (forwards as { more?: boolean }).more], [[1, 2, 3, 4, 5, 6], true]);
  const backwards = historyAnswer({ epoch: "e", messages, more: false }, false);
  assert.deepEqual([seqs(backwards), (backwards as { more?: boolean }).more], [[5, 6, 7, 8, 9, 10], true]);
  assert.ok(JSON.stringify(forwards).length < MAX_LISTED_BYTES + 1_000);
  assert.deepEqual(historyAnswer({ epoch: "e", messages: messages.slice(0, 2), more: false }, true), {
    ok: true,
    epoch: "e",
    messages: messages.slice(0, 2),
    more: false,
  });
});

test("one that is larger than a page is one", () => {
  const huge = { ...message(1), data: "x".repeat(MAX_LISTED_BYTES) };
  assert.deepEqual(seqs(historyAnswer({ epoch: "e", messages: [huge, message(2)], more: false }, true)), [1]);
});

test("members go on behind the last one of the page before", () => {
  const members: Member[] = Array.from({ length: 400 }, (_, i) => ({
    conn: `c${String(i).padStart(3, "0")}`,
    user: "u",
    state: "x".repeat(4_000),
    since: 1,
  })).reverse();
  const conns: string[] = [];
  for (let more = true; more; ) {
    const page = membersAnswer(members, false, conns.at(-1)) as unknown as {
      members: Member[];
      count: number;
      more?: true;
    };
    assert.equal(page.count, 400);
    conns.push(...page.members.map(({ conn }) => conn));
    more = page.more === true;
  }
  assert.deepEqual(conns, members.map(({ conn }) => conn).sort());
});

test("of a defect nothing is told", () => {
  assert.deepEqual(errorAnswer(new TypeError("secret")), {
    ok: false,
    error: { code: "internal", message: "internal error" },
  });
  assert.deepEqual(errorAnswer(new PlexusError("unavailable", "away", { retry: 5 })), {
    ok: false,
    error: { code: "unavailable", message: "away", retry: 5 },
  });
});
