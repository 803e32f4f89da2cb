/** MessagePack at the edge: bytes from strangers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packFrame, unpackFrame } from "./msgpack.js";
import { isPlain, MAX_DATA_DEPTH, parseClientFrame } from "./parse.js";

const MB = 1024 * 1024;
const bytes = (...values: number[]) => Uint8Array.from(values);
const frame = { op: "pub", id: 1, ch: "chat.a", data: { text: "é🙂", n: [1, -1, 2 ** 40, 0.5, null, true] } };

/** After garbage the decoder is as good as before. */
function stillWorks(): void {
  assert.deepEqual(unpackFrame(packFrame(frame)), frame);
}

test("frames and batches come back as they were", () => {
  for (const value of [frame, [frame, { op: "ping" }], { op: "ok", id: 2 ** 53 - 1, seq: 2 ** 32 }])
    assert.deepEqual(unpackFrame(packFrame(value)), value);
});

test("what JSON can say comes back as it was", () => {
  const json = fc.json({ stringUnit: "grapheme" }).map((text) => JSON.parse(text) as unknown);
  fc.assert(
    fc.property(json, (value) => {
      // An own __proto__ is the one name that does not survive: it is renamed rather than given a meaning.
      fc.pre(!JSON.stringify(value).includes("__proto__"));
      assert.deepEqual(unpackFrame(packFrame(value)), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 300 },
  );
});

test("half a surrogate pair becomes U+FFFD: what is sent is UTF-8", () => {
  const strict = new TextDecoder("utf-8", { fatal: true });
  for (const half of [
    "\ud83d",
    "\ude42",
    "a\ud83d",
    "\ude42\ud83d",
    `${"x".repeat(100)}\ud83d`,
    "힣\udfff",
  ]) {
    const whole = half.replace(/\p{Surrogate}/gu, "\ufffd");
    const bytes = packFrame(half);
    assert.equal(strict.decode(bytes.slice(bytes.length - Buffer.byteLength(whole))), whole);
    const frame = (text: string) => ({ op: "msg", m: [{ data: { [text]: [text, null, 1] } }] });
    assert.deepEqual(unpackFrame(packFrame(frame(half))), frame(whole));
  }
  for (const value of ["🙂", "\ud7ff힣\ue000", 0xedffff, 0xed_a0_80, [237, 160, 128]])
    assert.deepEqual(unpackFrame(packFrame(value)), value);
});

test("fields with names that mean something to JavaScript are data", () => {
  const prototypes = [
    Object.prototype,
    Array.prototype,
    Function.prototype,
    Buffer.prototype,
    Promise.prototype,
  ];
  const names = new Set([...prototypes.flatMap(Object.getOwnPropertyNames), "toJSON", "buffer", "type"]);
  names.delete("__proto__"); // renamed, see above
  for (const name of names)
    for (const value of [1, "x", null, true, [1], { a: 1 }]) {
      const data = { before: 1, [name]: value, inside: [{ [name]: value }], after: 2 };
      assert.deepEqual(
        unpackFrame(packFrame({ op: "msg", m: [{ data }] })),
        { op: "msg", m: [{ data }] },
        name,
      );
    }
});

test("64-bit integers come as numbers", () => {
  const max = bytes(0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  assert.equal(unpackFrame(max), Number.MAX_SAFE_INTEGER);
  assert.equal(typeof unpackFrame(bytes(0xd3, 0xff, 0, 0, 0, 0, 0, 0, 0)), "number");
});

test("garbage throws or gives a value, and harms nothing that comes after it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (garbage) => {
      try {
        isPlain(unpackFrame(garbage), MAX_DATA_DEPTH);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
      stillWorks();
    }),
    { numRuns: 2_000 },
  );
});

test("a frame that is cut short throws at every length, one with more behind it too", () => {
  const whole = packFrame(frame);
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => unpackFrame(whole.slice(0, length)), `${length} bytes`);
  assert.throws(() => unpackFrame(Buffer.concat([whole, bytes(0xc0)])));
  assert.throws(() => unpackFrame(Buffer.concat([whole, whole])));
  stillWorks();
});

test("announced lengths allocate nothing that is not there", () => {
  const announced = [
    [0xdd, 0xff, 0xff, 0xff, 0xff], // array
    [0xdd, 0x01, 0xff, 0xff, 0xff],
    [0xdf, 0xff, 0xff, 0xff, 0xff], // map
    [0xdb, 0xff, 0xff, 0xff, 0xff], // string
    [0xc6, 0xff, 0xff, 0xff, 0xff], // binary
    [0xc9, 0xff, 0xff, 0xff, 0xff, 1], // extension
    Array(1_000).fill([0xdd, 0, 0x0f, 0xff, 0xff]).flat(), // each within bounds, together not
  ];
  const before = process.memoryUsage();
  for (const header of announced) assert.throws(() => unpackFrame(Uint8Array.from(header)));
  const after = process.memoryUsage();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  assert.ok(grown < 32 * MB, `${grown} bytes`);
  stillWorks();
});

test("deep nesting throws instead of ending the process", () => {
  assert.throws(() => unpackFrame(new Uint8Array(250_000).fill(0x91)));
  assert.throws(() => unpackFrame(Uint8Array.from(Array(80_000).fill([0x81, 0xa1, 0x61]).flat())));
  stillWorks();
});

test("nesting that can be decoded but is too deep for data is refused", () => {
  let data: unknown = 1;
  for (let i = 0; i <= MAX_DATA_DEPTH; i++) data = [data];
  const decoded = unpackFrame(packFrame({ op: "pub", id: 1, ch: "a", data }));
  assert.throws(() => parseClientFrame(decoded), { code: "bad_request" });
});

test("a few bytes that refer to each other can't stand for more than memory holds", () => {
  // Each level is an array that holds the level below twice: 40 levels would be 2^40 values for whoever walks them.
  const levels = Array.from({ length: 40 }, (_, i) => {
    const below = i === 0 ? [0xc0] : [0xd6, 0x70, 0, 0, 0, i];
    return [0xd6, 0x69, 0, 0, 0, i + 1, 0x92, ...below, ...below];
  });
  assert.throws(() => unpackFrame(bytes(0xdc, 0, levels.length, ...levels.flat())));
  assert.throws(() => unpackFrame(bytes(0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1)));
  stillWorks();
});

test("extensions never become data", () => {
  const extensions = {
    date: [0xd6, 0xff, 0, 0, 0, 1],
    undefined: [0xd4, 0, 0],
    set: [0xd4, 0x73, 0, 0x91, 1],
    regexp: [0xd4, 0x78, 0, 0x92, 0xa1, 0x61, 0xa0],
    error: [0xd4, 0x65, 0, 0x93, 0xa5, 0x45, 0x72, 0x72, 0x6f, 0x72, 0xa1, 0x61, 0xc0],
    bytes: [0xc7, 2, 0x74, 1, 1],
    binary: [0xc4, 1, 1],
    reserved: [0xc1],
  };
  for (const [name, value] of Object.entries(extensions)) {
    const decode = () =>
      parseClientFrame({ op: "signal", ch: "a", data: unpackFrame(Uint8Array.from(value)) });
    assert.throws(decode, { code: "bad_request" }, name);
  }
  stillWorks();
});

test("a key __proto__ changes no prototype", () => {
  const key = new TextEncoder().encode("__proto__");
  const map = bytes(0x81, 0xa0 + key.length, ...key, 0x81, 0xa1, 0x78, 1);
  const value = unpackFrame(map) as object;
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal("x" in value, false);
});
