import assert from "node:assert/strict";
import { test } from "node:test";
import type { MsgFrame } from "@plexus/protocol";
import { Reception, type Verdict } from "./reception.js";

function frame(seq: number, n = 1, epoch = "e1"): MsgFrame {
  const m = Array.from({ length: n }, (_, i) => ({
    id: `m${seq + i}`,
    user: "u",
    conn: "c",
    ts: 0,
    data: null,
  }));
  return { op: "msg", ch: "chat.a", epoch, seq, n, m };
}

function seqs(verdict: Verdict): number[] | string {
  return verdict.kind === "messages" ? verdict.messages.map((message) => message.seq) : verdict.kind;
}

function live(seq: number): Reception {
  const reception = new Reception();
  assert.equal(reception.subscribed({}, { epoch: "e1", seq, recovered: true }), null);
  return reception;
}

test("hands out consecutive messages with their channel, epoch and seq", () => {
  const reception = live(4);
  const verdict = reception.accept(frame(5, 2));
  assert.deepEqual(seqs(verdict), [5, 6]);
  assert.ok(verdict.kind === "messages");
  const { channel, epoch, id } = verdict.messages[1]!;
  assert.deepEqual({ channel, epoch, id }, { channel: "chat.a", epoch: "e1", id: "m6" });
  assert.deepEqual(reception.position, { epoch: "e1", seq: 6 });
});

test("drops what it has, wholly or in part", () => {
  const reception = live(4);
  reception.accept(frame(5, 3));
  assert.equal(seqs(reception.accept(frame(5, 3))), "duplicate");
  assert.equal(seqs(reception.accept(frame(2))), "duplicate");
  assert.deepEqual(seqs(reception.accept(frame(6, 4))), [8, 9]);
});

test("what the gateway skipped is no gap, and is counted once", () => {
  const reception = live(4);
  assert.equal(reception.skipped({ epoch: "e1", seq: 5, n: 3 }), 3);
  assert.equal(reception.skipped({ epoch: "e1", seq: 5, n: 3 }), 0);
  assert.deepEqual(reception.position, { epoch: "e1", seq: 7 });
  assert.deepEqual(seqs(reception.accept(frame(8))), [8]);
  assert.equal(reception.skipped({ epoch: "e1", seq: 7, n: 4 }), 2, "a part of it was there");
  assert.equal(reception.skipped({ epoch: "e1", seq: 13, n: 1 }), 0, "it does not follow");
  assert.equal(reception.skipped({ epoch: "e2", seq: 11, n: 1 }), 0);
  assert.deepEqual(reception.position, { epoch: "e1", seq: 10 });
});

test("hands out nothing across a gap, and stays where it is", () => {
  const reception = live(4);
  assert.equal(seqs(reception.accept(frame(6))), "gap");
  assert.deepEqual(reception.position, { epoch: "e1", seq: 4 });
  assert.equal(seqs(reception.accept(frame(5, 1, "e2"))), "gap");
  assert.deepEqual(seqs(reception.accept(frame(5, 2))), [5, 6]);
});

test("before the first subscription everything is a gap, and the application's wish is what to ask for", () => {
  const reception = new Reception();
  assert.equal(seqs(reception.accept(frame(1))), "gap");
  assert.deepEqual(reception.resume({ rewind: 3 }), { rewind: 3 });
});

test("resumes from its position; a full recovery is no reset", () => {
  const reception = live(4);
  reception.accept(frame(5));
  const asked = reception.resume({ rewind: 3 });
  assert.deepEqual(asked, { since: { epoch: "e1", seq: 5 } });
  // Whether the answer names the head or the position asked for makes no difference.
  assert.equal(reception.subscribed(asked, { epoch: "e1", seq: 9, recovered: true }), null);
  assert.deepEqual(seqs(reception.accept(frame(4, 4))), [6, 7]);
  assert.deepEqual(seqs(reception.accept(frame(8, 2))), [8, 9]);
});

test("an answer with recovered: false resets to the gateway's position", () => {
  const reception = live(4);
  const asked = reception.resume({});
  const reset = reception.subscribed(asked, { epoch: "e2", seq: 2, recovered: false });
  assert.deepEqual(reset, { from: { epoch: "e1", seq: 4 }, to: { epoch: "e2", seq: 2 } });
  assert.deepEqual(seqs(reception.accept(frame(3, 1, "e2"))), [3]);
});

test("a position kept from an earlier page is honoured, or reset", () => {
  const since = { epoch: "e1", seq: 7 };
  const resumed = new Reception();
  assert.equal(resumed.subscribed({ since }, { epoch: "e1", seq: 9, recovered: true }), null);
  assert.deepEqual(seqs(resumed.accept(frame(8, 2))), [8, 9]);
  const trimmed = new Reception();
  const to = { epoch: "e1", seq: 90 };
  assert.deepEqual(trimmed.subscribed({ since }, { ...to, recovered: false }), { from: since, to });
});

test("recovered: false up to where another connection had brought us already is no reset", () => {
  const reception = live(4);
  const asked = reception.resume({});
  reception.accept(frame(5, 3));
  assert.equal(reception.subscribed(asked, { epoch: "e1", seq: 6, recovered: false }), null);
  assert.deepEqual(reception.position, { epoch: "e1", seq: 7 });
});

test("a head before what was asked for is another log, even in the same epoch", () => {
  const reception = live(4);
  const to = { epoch: "e1", seq: 2 };
  const from = { epoch: "e1", seq: 4 };
  assert.deepEqual(reception.subscribed(reception.resume({}), { ...to, recovered: false }), { from, to });
  assert.deepEqual(seqs(reception.accept(frame(3))), [3]);
});

test("a rewind begins where retention lets it, then is strict", () => {
  const reception = new Reception();
  const asked = { rewind: 10 };
  assert.equal(reception.subscribed(asked, { epoch: "e1", seq: 20, recovered: true }), null);
  assert.deepEqual(seqs(reception.accept(frame(17, 2))), [17, 18]);
  assert.equal(seqs(reception.accept(frame(20))), "gap");
  assert.deepEqual(seqs(reception.accept(frame(19, 2))), [19, 20]);
});

test("a rewind that brings nothing goes on live; one that is cut off is asked for again", () => {
  const empty = new Reception();
  empty.subscribed({ rewind: 5 }, { epoch: "e1", seq: 20, recovered: true });
  assert.deepEqual(empty.resume({ rewind: 5 }), { rewind: 5 });
  assert.equal(empty.subscribed({ rewind: 5 }, { epoch: "e1", seq: 22, recovered: true }), null);
  assert.equal(seqs(empty.accept(frame(24))), "gap");
  assert.deepEqual(seqs(empty.accept(frame(23))), [23]);
});

test("an unsolicited reset goes on at its position", () => {
  const reception = live(4);
  const to = { epoch: "e9", seq: 100 };
  assert.deepEqual(reception.reset(to), { from: { epoch: "e1", seq: 4 }, to });
  assert.deepEqual(seqs(reception.accept(frame(101, 1, "e9"))), [101]);
});

test("whatever two connections bring in whatever overlap, each message is handed out once and in order", () => {
  // A linear congruential generator: the same course on every run.
  let seed = 12_345;
  const below = (n: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % n;
  };
  for (let run = 0; run < 300; run++) {
    const reception = live(0);
    const got: number[] = [];
    while (got.length < 50) {
      const verdict = reception.accept(frame(1 + below(got.length + 4), 1 + below(5)));
      if (verdict.kind === "messages") got.push(...verdict.messages.map((message) => message.seq));
    }
    assert.deepEqual(
      got,
      Array.from(got, (_, i) => i + 1),
    );
  }
});

test("a rewind over a gap in what is kept: what lies before it, a reset, what lies behind it", () => {
  const reception = new Reception();
  reception.subscribed({ rewind: 100 }, { epoch: "e1", seq: 70, recovered: false });
  assert.deepEqual(seqs(reception.accept(frame(5, 2))), [5, 6]);
  const [from, to] = [6, 60].map((seq) => ({ epoch: "e1", seq }));
  assert.deepEqual(reception.reset(to!), { from, to });
  assert.deepEqual(
    seqs(reception.accept(frame(61, 10))),
    [...Array(10).keys()].map((i) => 61 + i),
  );
});
