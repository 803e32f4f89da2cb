/** Records: what is written is read back, byte for byte what JSON says, whatever the users wrote. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Message, MsgFrame } from "./frames.js";
import {
  decodeRecord,
  encodeControl,
  encodeRecord,
  FRAGMENT_OVERHEAD_BYTES,
  joinFragments,
  lastTime,
  messageFragment,
  opOf,
  type RecordHead,
  readHead,
  recordAfter,
  recordBytes,
  recordInEpoch,
} from "./record.js";
import { anyChannel, anyEpoch, anyMessage } from "./testing/arbitraries.js";

type Content = Omit<Message, "ts">;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);

function fragmentOf({ id, user, conn, data }: Content): string {
  return messageFragment(id, JSON.stringify(user), JSON.stringify(conn), JSON.stringify(data));
}

const anyRecord = fc.record({
  ch: anyChannel,
  epoch: anyEpoch,
  seq: fc.oneof(
    fc.integer({ min: 1, max: 100 }),
    fc.maxSafeNat().map((seq) => Math.max(1, seq - 100)),
  ),
  ts: fc.integer({ min: 0, max: 9_999_999_999_999 }),
  messages: fc.array(anyMessage, { minLength: 1, maxLength: 6 }),
});

type AnyRecord = typeof anyRecord extends fc.Arbitrary<infer T> ? T : never;

function encoded({ ch, epoch, seq, ts, messages }: AnyRecord): Uint8Array {
  return encodeRecord(ch, epoch, seq, [joinFragments(messages.map(fragmentOf))], ts);
}

/** As JSON says it: lone surrogates escaped, -0 as 0. */
function expected({ ch, epoch, seq, ts, messages }: AnyRecord): MsgFrame {
  const m = messages.map(({ id, user, conn, data }) => ({ id, user, conn, data, ts }));
  return JSON.parse(JSON.stringify({ op: "msg", ch, epoch, seq, n: m.length, m })) as MsgFrame;
}

test("a record is the JSON of the msg frame", () => {
  const record = encodeRecord(
    "chat.a",
    "e1",
    41,
    [joinFragments([fragmentOf({ id: "i", user: "u", conn: "c", data: 1 })])],
    1_795_310_881_465,
  );
  assert.equal(
    textOf(record),
    '{"op":"msg","ch":"chat.a","epoch":"e1","seq":41,"n":1,"m":[{"id":"i","user":"u","conn":"c","data":1,"ts":1795310881465}]}',
  );
});

test("however its messages come together, the record is the same", () => {
  fc.assert(
    fc.property(anyRecord, fc.nat(6), ({ ch, epoch, seq, ts, messages }, at) => {
      const fragments = messages.map(fragmentOf);
      const parts = [fragments.slice(0, at), fragments.slice(at)].filter(({ length }) => length > 0);
      const inParts = encodeRecord(
        ch,
        epoch,
        seq,
        parts.map((part) => joinFragments(part)),
        ts,
      );
      assert.equal(textOf(inParts), textOf(encoded({ ch, epoch, seq, ts, messages })));
    }),
  );
});

test("a fragment has the bytes of what it is made of; wrong ones are refused", () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      const { id, user, conn, data } = message;
      const json = [id, user, conn, data].map((part) => Buffer.byteLength(JSON.stringify(part)));
      const sender = Buffer.byteLength(',"user":,"conn":,"data":');
      const length = json.reduce((sum, bytes) => sum + bytes, sender + FRAGMENT_OVERHEAD_BYTES);
      assert.deepEqual(joinFragments([fragmentOf(message)], [length]).lengths, [length]);
      assert.throws(() => joinFragments([fragmentOf(message)], [length + 1]), RangeError);
    }),
  );
});

test("what is encoded is decoded, and its head is read without decoding", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const bytes = encoded(record);
      const frame = expected(record);
      assert.deepEqual(decodeRecord(bytes), frame);
      const { op, ch, epoch, seq, n } = frame;
      assert.deepEqual(readHead(bytes), { op, ch, epoch, seq, n });
      assert.equal(opOf(bytes), "msg");
    }),
    { numRuns: 500 },
  );
});

test("a record takes no more bytes than its parts were said to take", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const parts = record.messages.map((message) => Buffer.byteLength(fragmentOf(message)));
      const sum = parts.reduce((a, b) => a + b, 0);
      assert.ok(encoded(record).length <= recordBytes(sum, parts.length));
    }),
  );
});

test("the longest head is read", () => {
  const ch = `${`${"a".repeat(64)}.`.repeat(3)}bbbbb`;
  const epoch = "e".repeat(64);
  const seq = Number.MAX_SAFE_INTEGER;
  const head = { op: "abcdefghijklmnop", ch, epoch, seq, n: 9_999_999 };
  assert.deepEqual(readHead(bytesOf(JSON.stringify(head))), head);
});

test("a view into a larger buffer is read from where it begins", () => {
  const record = encodeRecord(
    "a",
    "e",
    7,
    [joinFragments([fragmentOf({ id: "i", user: "u", conn: "c", data: "é" })])],
    5,
  );
  const within = new Uint8Array(record.length + 20);
  within.set(record, 10);
  const view = within.subarray(10, 10 + record.length);
  assert.equal(readHead(view)?.seq, 7);
  assert.equal(opOf(view), "msg");
  assert.equal(decodeRecord(view).m[0]?.data, "é");
});

test("control records and records without messages have a head too", () => {
  const seal = bytesOf('{"op":"seal","ch":"a.b","epoch":"e","seq":9,"n":0,"to":"us-1"}');
  assert.deepEqual(readHead(seal), { op: "seal", ch: "a.b", epoch: "e", seq: 9, n: 0 });
  assert.deepEqual(readHead(bytesOf('{"op":"open","ch":"a","epoch":"e","seq":1,"n":0}'))?.op, "open");
});

test("what is no record has no head", () => {
  const others = [
    "",
    "{}",
    "null",
    '{"op":"msg"',
    '{"op":"presence","ch":"a","join":[]}',
    '{"op":"signal","ch":"a","user":"u","conn":"c","data":{"epoch":"e","seq":1,"n":1}}',
    '{"ch":"a","op":"msg","epoch":"e","seq":1,"n":1,"m":[]}',
    '{"op":"msg","ch":"a b","epoch":"e","seq":1,"n":1,"m":[]}',
    '{"op":"msg","ch":"a","epoch":"é","seq":1,"n":1,"m":[]}',
    '{"op":"msg","ch":"a","epoch":"e","seq":-1,"n":1,"m":[]}',
    '{"op":"msg","ch":"a","epoch":"e","seq":1.5,"n":1,"m":[]}',
    '{"op":"msg","ch":"a","epoch":"e","seq":"1","n":1,"m":[]}',
    ' {"op":"msg","ch":"a","epoch":"e","seq":1,"n":1,"m":[]}',
    '{"op":"msg","ch":"a","epoch":"e","seq":1,"n":1]',
  ];
  for (const other of others) assert.equal(readHead(bytesOf(other)), null, other);
  assert.equal(readHead(Uint8Array.from([0xff, 0xfe, 0x00])), null);
});

test("the op of any frame is read from its first bytes, and is empty where there is none", () => {
  assert.equal(opOf(bytesOf('{"op":"presence","ch":"a"}')), "presence");
  assert.equal(opOf(bytesOf('{"op":"signal"}')), "signal");
  for (const other of ["", "{", '{"op":"', `{"op":"${"x".repeat(40)}"}`])
    assert.equal(opOf(bytesOf(other)), "");
});

test("the part after a seq is a record of its own: consecutive, complete, and unchanged", () => {
  fc.assert(
    fc.property(anyRecord, fc.nat(8), (record, offset) => {
      const bytes = encoded(record);
      const head = readHead(bytes) as RecordHead;
      const after = record.seq - 2 + (offset % (record.messages.length + 1));
      const rest = recordAfter(bytes, head, after)!;
      if (after < record.seq) {
        assert.equal(rest, bytes, "the same bytes where all of it is wanted");
        return;
      }
      const whole = expected(record);
      const m = whole.m.slice(after + 1 - record.seq);
      assert.deepEqual(decodeRecord(rest), { ...whole, seq: after + 1, n: m.length, m });
      assert.deepEqual(readHead(rest), { ...head, seq: after + 1, n: m.length });
    }),
    { numRuns: 500 },
  );
});

test("the parts of a record together are the record", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const bytes = encoded(record);
      const head = readHead(bytes) as RecordHead;
      const firsts = record.messages.map((_, i) => {
        const part = i === 0 ? bytes : recordAfter(bytes, head, record.seq + i - 1)!;
        return decodeRecord(part).m[0];
      });
      assert.deepEqual(firsts, expected(record).m);
    }),
  );
});

test("a record as one of another epoch is the same but for that", () => {
  fc.assert(
    fc.property(anyRecord, anyEpoch, (record, epoch) => {
      const bytes = encoded(record);
      const moved = recordInEpoch(bytes, readHead(bytes)!, epoch);
      assert.equal(textOf(moved), textOf(encoded({ ...record, epoch })));
    }),
  );
});

test("the time of a record's last message is read from its end, whatever the messages hold", () => {
  const data = JSON.stringify({ ts: 5, text: ',"ts":7}]}' });
  const record = encodeRecord(
    "chat.a",
    "e",
    1,
    [joinFragments([messageFragment("1", '"u"', '"c"', data)])],
    1_795_310_881_465,
  );
  assert.equal(lastTime(record), 1_795_310_881_465);
  assert.equal(lastTime(recordAfter(record, readHead(record)!, 0)!), 1_795_310_881_465);
  const seal = { op: "seal", ch: "a", epoch: "e", seq: 1, n: 0, to: "b", fresh: true, segments: [] } as const;
  assert.equal(lastTime(encodeControl({ ...seal, segments: [] })), null);
  assert.equal(lastTime(new Uint8Array()), null);
  const early = encodeRecord("a", "e", 1, [joinFragments([messageFragment("1", '"u"', '"c"', "1")])], 5);
  assert.equal(lastTime(early), 5);
});

test("a record that is damaged can be forwarded whole, and not be taken apart", () => {
  const damaged = encodeRecord(
    "chat.a",
    "e",
    1,
    [joinFragments([messageFragment("1", '"u"', '"c"', '{"half')])],
    0,
  );
  const head = readHead(damaged)!;
  assert.equal(recordAfter(damaged, head, 0), damaged);
  assert.equal(recordAfter(damaged, head, 1), null);
});
