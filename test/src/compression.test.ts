/** permessage-deflate (RFC 7692) where the operator has it: what is compressed, for whom, and what nobody can do with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import type { AnyFrame, Encoding } from "./harness/raw-client.js";
import { range } from "./protocol/case.js";
import { deflated, frame, OPCODE } from "./wire/frames.js";
import { assertDelivered, assertWorks, each, FAILED, request, requestOf } from "./wire/wire-case.js";
import { WireSocket } from "./wire/wire-socket.js";

const FROM = 512;
const MAX_BYTES = 262_144;
const OFFER = "permessage-deflate; client_max_window_bits";
const WORDS = "what is said in a channel is mostly words, said again and again, and shorter when compressed";

const cluster = clusterForFile({ gatewayEnv: { PLEXUS_COMPRESS_FROM_BYTES: String(FROM) } });

async function welcome(encoding: Encoding = "json", offer: string | null = OFFER): Promise<WireSocket> {
  return WireSocket.welcome(cluster.url, await cluster.token("zip"), encoding, offer ?? undefined);
}

async function ask(wire: WireSocket, id: number, question: object): Promise<AnyFrame> {
  wire.say({ ...question, id });
  return wire.reply(id);
}

test("pages of history are a third of their size, and the same; what is small stays as it is", async () => {
  const ch = "chat.zip.history";
  const writer = await cluster.connect("writer");
  for (const n of range(1, 50)) await writer.pub(ch, `${n}: ${WORDS}`);
  const plain = await welcome("json", null);
  const expected = await ask(plain, 2, { op: "history", ch, limit: 50 });
  plain.cut();
  for (const encoding of ["json", "msgpack"] as const) {
    const wire = await welcome(encoding);
    assert.deepEqual(await ask(wire, 2, { op: "history", ch, limit: 50 }), expected);
    const page = wire.sizes.at(-1)!;
    assert.ok(page.deflated && page.sent * 3 < page.bytes, JSON.stringify(page));
    await ask(wire, 3, { op: "history", ch, limit: 1 });
    for (const { bytes, deflated } of wire.sizes) assert.equal(deflated, bytes >= FROM, `${bytes} bytes`);
    assert.ok(wire.sizes.some(({ deflated }) => !deflated));
    wire.cut();
  }
});

test("what goes to many is compressed for none of them: new messages, and those that they missed", async () => {
  const ch = "chat.zip.live";
  const writer = await cluster.connect("writer");
  const { epoch } = await writer.pub(ch, "first");
  const live = await welcome();
  await ask(live, 2, { op: "sub", ch });
  await writer.pub(ch, WORDS.repeat(20));
  const late = await welcome("msgpack");
  await ask(late, 2, { op: "sub", ch, since: { epoch, seq: 1 } });
  for (const wire of [live, late]) {
    await wire.until("the message", ({ op }) => op === "msg");
    assert.ok(wire.sizes.some(({ bytes }) => bytes > FROM));
    assert.ok(wire.sizes.every(({ deflated }) => !deflated));
    wire.cut();
  }
});

test("who does not offer it gets everything as it is", async () => {
  const ch = "chat.zip.plain";
  const writer = await cluster.connect("writer");
  for (const n of range(1, 50)) await writer.pub(ch, `${n}: ${WORDS}`);
  for (const offer of [null, "x-unknown", "permessage-bzip2"]) {
    const wire = await welcome("json", offer);
    assert.equal(wire.header("sec-websocket-extensions"), undefined, `${offer}`);
    await ask(wire, 2, { op: "history", ch, limit: 50 });
    assert.ok(wire.sizes.some(({ bytes }) => bytes > FROM));
    assert.ok(wire.sizes.every(({ deflated }) => !deflated));
    wire.cut();
  }
});

test("the answer to an offer never asks a gateway to keep a window for the connection", async () => {
  const offers = [
    OFFER,
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; client_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=15",
  ];
  for (const offer of offers) {
    const wire = await welcome("json", offer);
    const answer = wire.header("sec-websocket-extensions");
    assert.match(answer ?? "", /server_no_context_takeover/, offer);
    assert.match(answer ?? "", /client_no_context_takeover/, offer);
    wire.cut();
  }
});

test("clients may compress what they send, up to the bound of any message", async () => {
  const wire = await welcome();
  for (const [id, bytes] of [
    [2, 100],
    [3, 65_536],
    [4, MAX_BYTES],
  ] as const) {
    wire.write(deflated(requestOf(bytes, id)));
    await assertDelivered(wire, id);
  }
  wire.write(deflated(requestOf(MAX_BYTES + 1, 5)));
  assert.deepEqual(await wire.end(), { code: 1009, reason: "message too large" });
});

test("what unpacks to far more than it is, or to nothing, ends its own connection and no other", async () => {
  const witness = await welcome();
  const bombs = [
    deflated(Buffer.alloc(64 * 1024 * 1024, "x")),
    deflated(requestOf(2 * MAX_BYTES + 1, 2)),
    frame({ opcode: OPCODE.text, payload: Buffer.from([255, 255, 255, 255]), rsv: 4 }),
    frame({ opcode: OPCODE.binary, payload: Buffer.alloc(1_000, 7), rsv: 4 }),
    deflated(Buffer.from([0xc3, 0x28])),
  ];
  await each(bombs, async (bomb) => {
    const wire = await welcome();
    wire.write(bomb);
    assert.deepEqual(await wire.end(), FAILED);
  });
  await assertWorks(witness);
  witness.write(deflated(request(9)));
  await assertDelivered(witness, 9);
  witness.cut();
});
