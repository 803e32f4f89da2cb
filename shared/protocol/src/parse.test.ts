/** From values to frames: every op as it may be, and every field as it may not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { PlexusError } from "./errors.js";
import { frameId, isPlain, MAX_DATA_DEPTH, parseClientFrame } from "./parse.js";
import { anyData } from "./testing/arbitraries.js";

type Fields = Record<string, unknown>;

/** Every op with each of its fields once. */
const FRAMES: Record<string, Fields> = {
  hello: { id: 1, token: "t" },
  auth: { id: 2, token: "t" },
  sub: { id: 3, ch: "chat.a", since: { epoch: "e", seq: 0 }, rewind: 5, presence: true },
  unsub: { id: 4, ch: "chat.a" },
  pub: { id: 5, ch: "chat.a", data: { text: "hi" }, mid: "m1" },
  history: { id: 6, ch: "chat.a", before: 9, after: 0, limit: 5 },
  presence: { id: 7, ch: "chat.a" },
  state: { id: 8, ch: "chat.a", data: null },
  signal: { ch: "chat.a", data: "typing" },
  ping: {},
};

const OPTIONAL: Record<string, string[]> = {
  hello: ["token"],
  sub: ["since", "rewind", "presence"],
  pub: ["mid"],
  history: ["before", "after", "limit"],
};

const NOT_AN_ID = [0, -1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, "1", null, true, [1], {}];
const NOT_A_CHANNEL = ["", "a b", "a.*", ">", "a..b", "x".repeat(65), 7, null, ["chat.a"], {}];
const NOT_TEXT = ["", 7, null, true, ["t"], {}];
const NOT_A_COUNT = [-1, 1.5, 2 ** 53, Number.NaN, "5", null, true, [5], {}];
const NOT_DATA = [undefined, Number.NaN, Number.POSITIVE_INFINITY, 1n, new Date(0), new Map(), Symbol("s")];
const NOT_A_POSITION = [
  null,
  "e:1",
  7,
  [],
  {},
  { epoch: "e" },
  { seq: 1 },
  { epoch: "", seq: 1 },
  { epoch: "x".repeat(65), seq: 1 },
  { epoch: 1, seq: 1 },
  { epoch: "e", seq: -1 },
  { epoch: "e", seq: 1.5 },
  { epoch: "e", seq: "1" },
];

/** What each field may not be. */
const MALFORMED: Record<string, readonly unknown[]> = {
  id: NOT_AN_ID,
  ch: NOT_A_CHANNEL,
  token: [...NOT_TEXT, "x".repeat(8_193)],
  // Half a surrogate pair is no character: on the way to the log it would become the same as any other half.
  mid: [...NOT_TEXT, "x".repeat(129), "\ud83d", "a\ude00b"],
  since: NOT_A_POSITION,
  rewind: [...NOT_A_COUNT, 0],
  before: [...NOT_A_COUNT, 0],
  limit: [...NOT_A_COUNT, 0],
  after: NOT_A_COUNT,
  data: NOT_DATA,
};
const NOT_A_FLAG = [0, 1, "true", null, [], {}];

function refused(value: unknown, says: RegExp): void {
  assert.throws(
    () => parseClientFrame(value),
    (error) => error instanceof PlexusError && error.code === "bad_request" && says.test(error.message),
    `${inspect(value, { depth: 2 })} should be refused`,
  );
}

for (const [op, fields] of Object.entries(FRAMES)) {
  test(`${op}: complete`, () => {
    assert.deepEqual(parseClientFrame({ op, ...fields }), { op, ...fields });
  });

  test(`${op}: unknown fields are ignored`, () => {
    const frame = parseClientFrame({ op, ...fields, extra: 1, n: "x", v: null });
    assert.deepEqual(frame, { op, ...fields });
  });

  test(`${op}: each field missing`, () => {
    for (const field of Object.keys(fields)) {
      const { [field]: _, ...rest } = fields;
      if (OPTIONAL[op]?.includes(field)) assert.deepEqual(parseClientFrame({ op, ...rest }), { op, ...rest });
      else refused({ op, ...rest }, new RegExp(field));
    }
  });

  test(`${op}: each field malformed`, () => {
    for (const field of Object.keys(fields)) {
      const values = field === "presence" ? NOT_A_FLAG : (MALFORMED[field] ?? []);
      assert.ok(values.length > 0, `no malformed ${field}`);
      for (const value of values) refused({ op, ...fields, [field]: value }, sentenceFor(field));
    }
  });
}

/** A malformed position is named by its own field where it has one. */
function sentenceFor(field: string): RegExp {
  return field === "since" ? /since|epoch|seq/ : new RegExp(`^${field} `);
}

test("what is no object is no frame", () => {
  for (const value of [null, undefined, 7, "ping", true, [], [{ op: "ping" }]]) refused(value, /an object/);
});

test("an unknown op is refused and shown no longer than it has to be", () => {
  for (const op of ["", "PING", "welcome", "toString", "__proto__"]) refused({ op, id: 1 }, /unknown op/);
  for (const op of [undefined, null, 7, ["ping"], {}]) refused({ op, id: 1 }, /op must be a string/);
  refused({ op: "x".repeat(100_000) }, /^.{0,60}$/);
});

test("the longest token, mid and epoch are taken", () => {
  const text = (length: number) => "é".repeat(length);
  for (const frame of [
    { op: "hello", id: 1, token: text(8_192) },
    { op: "pub", id: 1, ch: "a", data: 0, mid: text(128) },
    { op: "sub", id: Number.MAX_SAFE_INTEGER, ch: "a", since: { epoch: text(64), seq: 2 ** 53 - 1 } },
  ])
    assert.deepEqual(parseClientFrame(frame), frame);
});

test("false, 0 and null are data; undefined is none", () => {
  for (const data of [false, 0, null, "", [], {}])
    assert.deepEqual(parseClientFrame({ op: "signal", ch: "a", data }), { op: "signal", ch: "a", data });
});

test("the id of a frame that makes no sense is still known, so that the error reaches whoever waits", () => {
  assert.equal(frameId({ op: "nonsense", id: 7 }), 7);
  assert.equal(frameId({ id: 7, ch: 1 }), 7);
  for (const value of [...NOT_AN_ID.map((id) => ({ id })), null, undefined, 7, "x", {}])
    assert.equal(frameId(value), undefined);
});

test("a frame's own __proto__ gives it no fields", () => {
  const frame = JSON.parse('{"op":"pub","id":1,"__proto__":{"ch":"a","data":1}}');
  refused(frame, /^ch /);
  const data = JSON.parse('{"__proto__":{"x":1},"constructor":1}');
  const parsed = parseClientFrame({ op: "signal", ch: "a", data }) as { data: object };
  assert.equal(JSON.stringify(parsed.data), '{"__proto__":{"x":1},"constructor":1}');
});

test("whatever JSON says is plain, and is not changed", () => {
  fc.assert(
    fc.property(anyData, (data) => {
      const before = JSON.stringify(data);
      assert.ok(isPlain(data, MAX_DATA_DEPTH));
      const parsed = parseClientFrame({ op: "state", id: 1, ch: "a", data }) as { data: unknown };
      assert.equal(JSON.stringify(parsed.data), before);
    }),
  );
});

test("whatever value comes, the answer is a frame or bad_request", () => {
  const anyFrame = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
    fc.record(
      {
        op: fc.oneof(fc.constantFrom(...Object.keys(FRAMES)), fc.anything()),
        id: fc.oneof(fc.integer(), fc.anything()),
        ch: fc.oneof(fc.constant("chat.a"), fc.anything()),
        since: fc.oneof(fc.record({ epoch: fc.string(), seq: fc.integer() }), fc.anything()),
        data: fc.anything(),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(anyFrame, (value) => {
      try {
        assert.ok((parseClientFrame(value) as { op: string }).op in FRAMES);
      } catch (error) {
        assert.ok(error instanceof PlexusError && error.code === "bad_request", String(error));
      }
    }),
    { numRuns: 1_000 },
  );
});

test("data may be nested so deep and no deeper", () => {
  const nested = (depth: number, wrap: (inner: unknown) => unknown) => {
    let value: unknown = "bottom";
    for (let i = 0; i < depth; i++) value = wrap(value);
    return value;
  };
  for (const wrap of [(x: unknown) => [x], (x: unknown) => ({ x }), (x: unknown) => [1, x, "y"]]) {
    assert.ok(isPlain(nested(MAX_DATA_DEPTH, wrap), MAX_DATA_DEPTH));
    assert.equal(isPlain(nested(MAX_DATA_DEPTH + 1, wrap), MAX_DATA_DEPTH), false);
  }
  refused({ op: "pub", id: 1, ch: "a", data: nested(10_000, (x) => [x]) }, /64 deep/);
});

test("what JSON can't say is not plain, wherever it stands", () => {
  class Custom {
    x = 1;
  }
  const strange = [...NOT_DATA, new Custom(), new Set(), /x/, new Uint8Array(1), () => 1, new Error("x")];
  for (const value of strange) {
    assert.equal(isPlain(value, 9), false);
    assert.equal(isPlain([1, value], 9), false);
    assert.equal(isPlain({ a: { b: value } }, 9), false);
  }
  assert.ok(isPlain(Object.assign(Object.create(null), { a: [1] }), 9));
});
