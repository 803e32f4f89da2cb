import assert from "node:assert/strict";
import { test } from "node:test";
import { SnapshotFrames } from "./snapshot-frames.js";

function frame(type: number, body: readonly number[]): number[] {
  return [type, body.length & 0xff, (body.length >> 8) & 0xff, body.length >> 16, ...body];
}

const BEGIN = frame(0xff, [...Buffer.from("S2sTwO")]);
const CHECKSUM = [1, 2, 3, 4];
const plain = (bytes: number) => frame(0x01, [...CHECKSUM, ...new Array<number>(bytes).fill(7)]);
/** Says that it holds 1,024 bytes (two digits of base 128), in three. */
const COMPRESSED = frame(0x00, [...CHECKSUM, 0x80, 0x08, 9, 9, 9]);
const PADDING = frame(0xfe, [0, 0, 0]);
const WHOLE = Buffer.from([...BEGIN, ...plain(512), ...COMPRESSED, ...PADDING, ...plain(512)]);
const HELD = 512 + 1_024 + 512;

function isWhole(bytes: Uint8Array, chunk: number, atLeast = HELD): boolean {
  const frames = new SnapshotFrames();
  for (let at = 0; at < bytes.length; at += chunk) frames.push(bytes.subarray(at, at + chunk));
  return frames.isWhole(atLeast);
}

test("a snapshot is whole, however it is cut into chunks", () => {
  for (const chunk of [1, 2, 3, 7, 100, 10_000]) assert.ok(isWhole(WHOLE, chunk), `chunks of ${chunk}`);
});

test("a snapshot that ends early is not whole, wherever that is", () => {
  for (let end = 0; end < WHOLE.length; end++)
    assert.ok(!isWhole(WHOLE.subarray(0, end), 64), `${end} of ${WHOLE.length} bytes`);
});

test("what holds less than the log did, or is no such archive, is not whole", () => {
  assert.ok(!isWhole(WHOLE, 64, HELD + 1));
  assert.ok(!isWhole(Buffer.from([...BEGIN, ...plain(100)]), 64, 0));
  assert.ok(!isWhole(Buffer.from("something else"), 64, 0));
});
