import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEvent, serverEvents } from "./server-events.js";

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

test("events are the same however the bytes are cut", async () => {
  const text =
    'event: msg\ndata: {"a":"ü漢"}\n\n:\n\ndata: plain\n\nevent: end\ndata: 1\ndata: 2\n\nevent: cut';
  const expected = [
    { event: "msg", data: '{"a":"ü漢"}' },
    { event: "message", data: "plain" },
    { event: "end", data: "1\n2" },
  ];
  for (const size of [1, 2, 3, 7, 1_000]) {
    const events = [];
    for await (const event of serverEvents(inPieces(text, size))) events.push(event);
    assert.deepEqual(events, expected, `in pieces of ${size}`);
  }
});

test("a comment is no event", () => {
  assert.equal(parseEvent(": keep-alive"), undefined);
});
