/** The relay, case by case: what it delivers, what it holds back, and what it asks for. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { readHead } from "@plexus/protocol";
import type { ReadAnswer } from "@plexus/runtime";
import { MAX_VAIN_FETCHES, RELAY_BOUNDS, Relay } from "./relay.js";
import { recordOf } from "./testing/model-channel.js";

let relay: Relay;
let now: number;

beforeEach(() => {
  now = 0;
  relay = new Relay();
  relay.headSeen(null, { epoch: "e", seq: 10 }, 0);
});

function receive(seq: number, n = 1, epoch = "e"): void {
  const bytes = recordOf(epoch, seq, n);
  relay.record(readHead(bytes)!, bytes, now);
}

function fetched(
  headSeq: number,
  seqs: Array<[seq: number, n: number]>,
  more: Partial<ReadAnswer> = {},
): void {
  const records = seqs.map(([seq, n]) => recordOf("e", seq, n));
  const answer: ReadAnswer = { head: { epoch: "e", seq: headSeq }, state: "ok", records, oldest: 1, ...more };
  relay.fetched(
    "e",
    answer,
    records.map((bytes) => ({ bytes, head: readHead(bytes)! })),
    now,
  );
}

/** The effects in short: `11` or `11-13` is delivered, `reset e:5`, `fetch 10`, `lookup in 100`. */
function effects(): string[] {
  return relay.takeEffects().map((effect) => {
    const later = "inMs" in effect ? ` in ${effect.inMs}` : "";
    if (effect.do === "lookup") return `lookup${later}`;
    if (effect.do === "fetch") return `fetch ${effect.after}${later}`;
    if (effect.do === "reset") return `reset ${effect.position.epoch}:${effect.position.seq}`;
    const { seq, n } = readHead(effect.bytes)!;
    return n === 1 ? `${seq}` : `${seq}-${seq + n - 1}`;
  });
}

test("what follows is delivered: the very bytes that came", () => {
  const bytes = recordOf("e", 11, 3);
  relay.record(readHead(bytes)!, bytes, 0);
  const [effect] = relay.takeEffects();
  assert.ok(effect?.do === "deliver" && effect.bytes === bytes);
  assert.deepEqual(relay.position, { epoch: "e", seq: 13 });
});

test("what was seen already is not delivered again, and of a record that was seen in part only the rest is", () => {
  receive(10);
  receive(8, 3);
  assert.deepEqual(effects(), []);
  receive(9, 4);
  assert.deepEqual(effects(), ["11-12"]);
});

test("what leaves a gap is held back and what is missing fetched; then both are delivered, in order", () => {
  receive(13);
  receive(12);
  assert.deepEqual(effects(), ["fetch 10"]);
  assert.ok(relay.behind);
  fetched(13, [[11, 1]]);
  assert.deepEqual(effects(), ["11", "12", "13"]);
  assert.equal(relay.behind, false);
});

test("the gap closes by itself if what is missing comes late", () => {
  receive(12);
  receive(11);
  assert.deepEqual(effects(), ["fetch 10", "11", "12"]);
  fetched(12, [
    [11, 1],
    [12, 1],
  ]);
  assert.deepEqual(effects(), []);
});

test("one question is under way at a time; what is still missing after the answer is asked for then", () => {
  receive(12);
  receive(15);
  assert.deepEqual(effects(), ["fetch 10"]);
  fetched(15, [[11, 1]]);
  assert.deepEqual(effects(), ["11", "12", "fetch 12"]);
});

test("a fetch that brought only a part of what there is goes on", () => {
  receive(50);
  effects();
  fetched(50, [
    [11, 5],
    [16, 5],
  ]);
  assert.deepEqual(effects(), ["11-15", "16-20", "fetch 20"]);
});

test("of what was fetched only what follows is delivered", () => {
  receive(20);
  effects();
  fetched(20, [
    [9, 3],
    [14, 1],
  ]);
  assert.deepEqual(effects(), ["11", "fetch 11"]);
});

test("a question that failed is asked again with the next record", () => {
  receive(12);
  effects();
  relay.askFailed();
  assert.deepEqual(effects(), []);
  receive(13);
  assert.deepEqual(effects(), ["fetch 10"]);
});

test("so many records are held back; the oldest beyond are dropped, and fetched later", () => {
  for (let i = 0; i < RELAY_BOUNDS.heldRecords + 20; i++) receive(100 + i);
  assert.deepEqual(effects(), ["fetch 10"]);
  fetched(500, [[11, 89]]);
  assert.deepEqual(effects(), ["11-99", "fetch 99"], "20 records behind those are gone");
  fetched(500, [[100, 20]]);
  assert.equal(effects().length, 1 + RELAY_BOUNDS.heldRecords + 1);
});

test("a newer head means that something was missed; an older or the same one means nothing", () => {
  for (const seq of [10, 4]) relay.headSeen("e", { epoch: "e", seq }, 0);
  assert.deepEqual(effects(), []);
  relay.headSeen("e", { epoch: "e", seq: 14 }, 0);
  assert.deepEqual(effects(), ["fetch 10"]);
});

test("a record of another epoch is not believed but looked into", () => {
  receive(1, 1, "f");
  assert.deepEqual(effects(), ["lookup"]);
  relay.headSeen("e", { epoch: "f", seq: 1 }, 0);
  assert.deepEqual(effects(), ["reset f:0", "1"]);
  assert.deepEqual(relay.position, { epoch: "f", seq: 1 });
});

test("a record of an epoch that is past changes nothing", () => {
  receive(3, 1, "d");
  relay.headSeen("e", { epoch: "e", seq: 10 }, 0);
  assert.deepEqual(effects(), ["lookup"]);
  receive(11);
  assert.deepEqual(effects(), ["11"]);
});

test("a head that was asked for in an epoch that is past takes nothing back", () => {
  relay.headSeen("e", { epoch: "f", seq: 3 }, 0);
  effects();
  relay.headSeen("e", { epoch: "e", seq: 12 }, 0);
  assert.deepEqual([effects(), relay.position], [[], { epoch: "f", seq: 3 }]);
});

test("what was fetched from an epoch that is past is nothing, even if it says trimmed", () => {
  receive(12);
  relay.headSeen("e", { epoch: "f", seq: 3 }, 0);
  effects();
  fetched(12, [[11, 1]]);
  fetched(20, [], { state: "trimmed", oldest: 15 });
  fetched(0, [], { state: "unknown", head: { epoch: "f", seq: 9 } });
  assert.deepEqual([effects(), relay.position], [[], { epoch: "f", seq: 3 }]);
});

/** Answers every fetch with what there is, which is nothing new, until none is asked; returns the waits in between. */
function vainFetches(): number[] {
  const waits: number[] = [];
  for (;;) {
    const [effect] = relay.takeEffects();
    if (effect?.do !== "fetch") return waits;
    waits.push(effect.inMs ?? 0);
    now += effect.inMs ?? 0;
    fetched(10, []);
    assert.ok(waits.length < 100, "it goes on and on");
  }
}

test("a position that the log does not have is asked for a few times, more and more slowly, and then dropped", () => {
  receive(1_000);
  const waits = vainFetches();
  assert.deepEqual(waits, [0, 100, 200, 400, 800, 1_600]);
  assert.equal(waits.length, MAX_VAIN_FETCHES);
  assert.equal(relay.behind, false);
  receive(11);
  assert.deepEqual(effects(), ["11"], "what follows is not held up by it");
});

test("whoever keeps forging positions does not make the actor be asked more often; a real gap is still filled", () => {
  for (let i = 0; i < 1_000; i++) receive(5_000 + i);
  assert.equal(vainFetches().length, MAX_VAIN_FETCHES);
  const from = now;
  let asked = 0;
  for (let i = 0; i < 50; i++) {
    receive(9_000 + i);
    asked += vainFetches().length;
  }
  assert.ok(asked <= 1 + (now - from) / 3_200, `${asked} in ${now - from} ms`);
  receive(13);
  const [effect] = relay.takeEffects();
  assert.ok(effect?.do === "fetch");
  fetched(13, [[11, 2]]);
  assert.deepEqual(effects(), ["11-12", "13"]);
});

test("the pace is forgotten once a fetch has helped, or after a while", () => {
  for (const later of [0, 20_000]) {
    receive(1_000);
    vainFetches();
    now += later;
    if (later === 0) {
      receive(13);
      effects();
      fetched(13, [[11, 2]]);
      effects();
    }
    receive(2_000);
    assert.deepEqual(effects(), [`fetch ${relay.position?.seq}`], "at once");
    relay = new Relay();
    relay.headSeen(null, { epoch: "e", seq: 10 }, now);
  }
});

test("a record of another epoch that comes during a fetch is looked into right after it", () => {
  receive(12);
  receive(1, 1, "f");
  assert.deepEqual(effects(), ["fetch 10"]);
  fetched(12, [[11, 1]]);
  assert.deepEqual(effects(), ["11", "12", "lookup"]);
  relay.headSeen("e", { epoch: "f", seq: 1 }, now);
  assert.deepEqual(effects(), ["reset f:0", "1"], "and nothing of the new epoch is missing");
});

test("records of epochs that are past do not make lookup follow lookup", () => {
  let lookups = 0;
  for (let i = 0; i < 200; i++) {
    receive(1 + i, 1, "d");
    now += 10;
    const [effect] = relay.takeEffects();
    if (effect?.do !== "lookup") continue;
    lookups++;
    now += effect.inMs ?? 0;
    receive(1 + i, 1, "c");
    relay.headSeen("e", { epoch: "e", seq: 10 }, now);
  }
  assert.ok(lookups <= 6 + now / 3_200, `${lookups} in ${now} ms`);
});

test("what can't be had any more makes a reset to where the channel stands", () => {
  receive(30);
  effects();
  fetched(29, [], { state: "trimmed", oldest: 25 });
  assert.deepEqual(effects(), ["reset e:29", "30"]);
  assert.equal(relay.tail.oldest, 30);
});

test("an answer that is older than what is known resets nothing", () => {
  receive(12);
  receive(11);
  effects();
  fetched(9, [], { state: "trimmed", oldest: 9 });
  assert.deepEqual([effects(), relay.position?.seq], [[], 12]);
});

test("before the position is known everything is held, and then what follows is delivered", () => {
  relay = new Relay();
  receive(12);
  receive(9);
  receive(11);
  receive(5, 1, "old");
  assert.deepEqual(effects(), []);
  relay.headSeen(null, { epoch: "e", seq: 10 }, 0);
  assert.deepEqual(effects(), ["11", "12"]);
});

test("what is held and still leaves a gap is asked for, also where nobody else says that something is missing", () => {
  relay = new Relay();
  receive(13);
  relay.headSeen(null, { epoch: "e", seq: 10 }, 0);
  assert.deepEqual(effects(), ["fetch 10"]);
  fetched(11, [[11, 1]]);
  assert.deepEqual(effects(), ["11", "fetch 11"]);
});

test("control records are not delivered and do not disturb", () => {
  relay.record({ op: "seal", ch: "chat.a", epoch: "e", seq: 11, n: 0 }, new Uint8Array(), 0);
  relay.record({ op: "open", ch: "chat.a", epoch: "f", seq: 1, n: 0 }, new Uint8Array(), 0);
  assert.deepEqual(effects(), []);
});

test("the tail holds what was delivered, as it was delivered", () => {
  receive(9, 3);
  receive(12, 2);
  const held = relay.tail.after(10)!;
  assert.deepEqual(
    held.map(({ seq, n, bytes }) => [seq, n, readHead(bytes)?.seq, readHead(bytes)?.n]),
    [
      [11, 1, 11, 1],
      [12, 2, 12, 2],
    ],
  );
});
