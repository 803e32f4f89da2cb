import type { TemplatedApp } from "uWebSockets.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRecord, joinFragments, messageFragment } from "@plexus/protocol";
import { unpackFrame } from "@plexus/protocol/msgpack";
import { FanOut } from "./fan-out.js";

const CH = "chat.nasty";

/** An app with one subscriber of each kind, and what they got. */
function subscribers() {
  const json: string[] = [];
  const msgpack: unknown[] = [];
  const publish = (_: string, bytes: Uint8Array, isBinary: boolean) => {
    if (isBinary) msgpack.push(unpackFrame(bytes));
    else json.push(Buffer.from(bytes).toString());
    return true;
  };
  const app = { numSubscribers: () => 1, publish } as unknown as TemplatedApp;
  return { fanOut: new FanOut(app), json, msgpack };
}

function recordOf(dataJson: string, seq = 1): Uint8Array {
  return encodeRecord(CH, "e1", seq, [joinFragments([messageFragment("id", '"u"', '"c"', dataJson)])], 0);
}

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

test("the nastiest data that JSON can say arrives at MessagePack's readers too", () => {
  for (const data of [
    "123456789012345678901234567890",
    "-9007199254740993",
    "1e308",
    "5e-324",
    "-0",
    '"\\ud800 and \\udfff"',
    '{"\\ud83d":1}',
    '{"__proto__":{"a":1},"constructor":{"prototype":0},"toJSON":1}',
    '{"":{"\\u0000":[]}}',
    nested(64),
  ]) {
    const { fanOut, json, msgpack } = subscribers();
    assert.equal(fanOut.publish("t/c", "messages", recordOf(data)), 2);
    assert.equal(json.length, 1);
    assert.equal((msgpack[0] as { op: string }).op, "msg", data);
  }
});

test("a record that can't be transcoded is a reset, and the next one follows", () => {
  const { fanOut, json, msgpack } = subscribers();
  for (const junk of ['{"half', nested(100_000), "\u0000"])
    fanOut.publish("t/c", "messages", recordOf(junk, 7));
  assert.equal(json.length, 3);
  const reset = { op: "reset", ch: CH, epoch: "e1", seq: 7, recovered: false };
  assert.deepEqual(msgpack, [reset, reset, reset]);
  fanOut.publish("t/c", "messages", recordOf("1", 8));
  assert.equal((msgpack[3] as { seq: number }).seq, 8);
});

test("another frame that can't be transcoded is left out", () => {
  const { fanOut, msgpack } = subscribers();
  fanOut.publish("t/c", "messages", Buffer.from('{"op":"signal","ch":"chat.nasty","data":'));
  assert.deepEqual(msgpack, []);
});
