/**
 * Whatever one connection sends, it gets the right error or close code, and harms nobody else: two well-behaved
 * clients go on talking over the same gateway all the time.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { packFrame } from "@plexus/protocol/msgpack";
import { clusterForFile } from "./harness/cluster.js";
import { CountingPublisher } from "./harness/publisher.js";
import type { RawClient } from "./harness/raw-client.js";
import { RawSocket } from "./harness/raw-socket.js";
import { until } from "./harness/wait.js";

const CHAT = "chat.undisturbed";
/** Answers to the well-behaved come within this, whatever the others do: no more than a gateway's own deadline. */
const PATIENCE_MS = 10_000;

let ada: RawClient;
let bob: RawClient;
let talk: CountingPublisher;
let pid = 0;

const cluster = clusterForFile({ gatewayEnv: { PLEXUS_HELLO_MS: "5000" } }, async (started) => {
  ada = await started.connect("ada");
  bob = await started.connect("bob", { encoding: "msgpack" });
  await Promise.all([ada.sub(CHAT), bob.sub(CHAT)]);
  talk = new CountingPublisher(ada, CHAT, { mids: false, atOnce: 1 });
  const talking = talk.run();
  started.beforeStop(() => {
    talk.stop();
    return talking;
  });
  pid = started.process("g1").pid;
});

/** The well-behaved have not noticed anything, and the conversation goes on after what was done. */
async function undisturbed(): Promise<void> {
  const said = talk.acknowledged.length;
  await until("the conversation to go on", () => talk.acknowledged.length > said + 5);
  const last = talk.acknowledged.at(-1)!.seq;
  for (const client of [ada, bob]) {
    await until("everything said to arrive", () => (client.channel(CHAT).seqs.at(-1) ?? 0) >= last);
    client.channel(CHAT).assertConsecutive();
    assert.equal(client.channel(CHAT).seqs[0], 1);
    assert.ok(client.isOpen);
  }
  assert.deepEqual(talk.errors, []);
  assert.ok(talk.slowestMs < PATIENCE_MS, `an answer took ${Math.round(talk.slowestMs)} ms`);
  assert.equal(cluster.process("g1").pid, pid, "the gateway is still the same process");
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const repeated = (n: number, ...values: number[]) =>
  new Uint8Array(Buffer.alloc(n * values.length, bytes(...values)));

const NOT_JSON = [
  "",
  " ",
  "{",
  '{"op":',
  "nul",
  "{'op':'ping'}",
  "\u0000",
  '{"op":"ping"}{"op":"ping"}',
  "[".repeat(200_000),
];
test("text that is no JSON: 4500", async () => {
  for (const text of NOT_JSON) {
    const client = await cluster.connect("mallory");
    client.sendRaw(text);
    await client.closedWith(4500, "bad_request");
  }
  await undisturbed();
});

const NOT_MSGPACK: Record<string, Uint8Array> = {
  nothing: bytes(),
  "half a frame": packFrame({ op: "ping", more: "x".repeat(100) }).slice(0, 50),
  "two frames": Buffer.concat([packFrame({ op: "ping" }), packFrame({ op: "ping" })]),
  "an array of four thousand million": bytes(0xdd, 0xff, 0xff, 0xff, 0xff),
  "arrays of millions inside each other": repeated(10_000, 0xdd, 0x01, 0x00, 0x00, 0x00),
  "a map of four thousand million": bytes(0xdf, 0xff, 0xff, 0xff, 0xff),
  "a string of four gigabytes": bytes(0xdb, 0xff, 0xff, 0xff, 0xff),
  "bytes of four gigabytes": bytes(0xc6, 0xff, 0xff, 0xff, 0xff),
  "two hundred thousand arrays inside each other": repeated(200_000, 0x91),
  "two hundred thousand maps inside each other": repeated(100_000, 0x81, 0xa0),
  "a record definition": bytes(0xd4, 0x72, 0x40, 0x91, 0xa2, 0x6f, 0x70),
  noise: Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7_919) % 251),
};
test("bytes that are no MessagePack: 4500", async () => {
  for (const [what, data] of Object.entries(NOT_MSGPACK)) {
    const client = await cluster.connect("mallory", { encoding: "msgpack" });
    client.sendRaw(data);
    await client.closedWith(4500, "bad_request").catch((cause) => assert.fail(`${what}: ${cause}`));
  }
  await undisturbed();
});

test("text where MessagePack was agreed, bytes where JSON was: 4500", async () => {
  const [text, binary] = [
    await cluster.connect("mallory"),
    await cluster.connect("mallory", { encoding: "msgpack" }),
  ];
  text.sendRaw(packFrame({ op: "ping" }));
  binary.sendRaw('{"op":"ping"}');
  await Promise.all([text.closedWith(4500, "bad_request"), binary.closedWith(4500, "bad_request")]);
});

test("garbage before hello: 4500", async () => {
  const client = await cluster.open();
  client.sendRaw("garbage");
  await client.closedWith(4500, "bad_request");
});

test("a message larger than the bound: 1009", async () => {
  for (const encoding of ["json", "msgpack"] as const) {
    const client = await cluster.connect("mallory", { encoding });
    client.send({ op: "ping", filler: "x".repeat(262_000) });
    await client.settled();
    client.send({ op: "ping", filler: "x".repeat(262_144) });
    await client.closedWith(1009);
  }
  await undisturbed();
});

test("values that mean something to JavaScript mean nothing", async () => {
  const client = await cluster.connect("mallory");
  const ch = "chat.prototypes";
  await client.sub(ch);
  client.sendRaw(`{"__proto__":{"op":"ping"}}`);
  await client.until("the refusal", ({ op, code }) => op === "err" && code === "bad_request");
  client.sendRaw(
    `{"op":"pub","id":77,"ch":"${ch}","data":{"__proto__":{"polluted":1},"constructor":{"prototype":2}}}`,
  );
  await client.reply(77);
  await until("the message", () => client.channel(ch).received.length === 1);
  const [stored] = (await client.history(ch)).messages;
  assert.equal(JSON.stringify(stored?.data), '{"__proto__":{"polluted":1},"constructor":{"prototype":2}}');
  await client.refused({ op: "toString" }, "bad_request");
  await undisturbed();
});

test("data nested a hundred thousand deep: bad_request", async () => {
  const client = await cluster.connect("mallory");
  client.sendRaw(`{"op":"pub","id":5,"ch":"chat.deep","data":${"[".repeat(1e5)}${"]".repeat(1e5)}}`);
  assert.equal((await client.reply(5)).code, "bad_request");
  client.sendRaw(`${"[".repeat(1e5)}${"]".repeat(1e5)}`);
  await client.settled();
  await undisturbed();
});

test("thousands of frames in one batch: too_large, and none of them counts", async () => {
  const client = await cluster.connect("mallory");
  const pub = { op: "pub", id: 1, ch: "chat.batch", data: 1 };
  client.send(Array.from({ length: 4_000 }, () => pub));
  await client.until("the refusal", ({ op, code }) => op === "err" && code === "too_large");
  assert.deepEqual((await client.history("chat.batch")).messages, []);
});

test("broken WebSocket frames end their own connection only", async () => {
  const token = await cluster.token("mallory");
  const mask = bytes(0, 0, 0, 0);
  const broken: Record<string, Uint8Array> = {
    "text that is no UTF-8": Buffer.concat([bytes(0x81, 0x82), mask, bytes(0xc3, 0x28)]),
    "a reserved opcode": Buffer.concat([bytes(0x83, 0x80), mask]),
    "reserved bits": Buffer.concat([bytes(0xf1, 0x80), mask]),
    "a continuation of nothing": Buffer.concat([bytes(0x80, 0x80), mask]),
    "a ping of 1000 bytes": Buffer.concat([bytes(0x89, 0xfe, 0x03, 0xe8), mask, new Uint8Array(1_000)]),
    "a length of 2^63": Buffer.concat([
      bytes(0x81, 0xff),
      bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      mask,
    ]),
  };
  for (const [what, data] of Object.entries(broken)) {
    const socket = await RawSocket.upgrade(cluster.url);
    socket.sendText(JSON.stringify({ op: "hello", id: 1, token }));
    await socket.receives("welcome");
    socket.write(data);
    await socket.ended(what);
  }
  await undisturbed();
});

test("half a frame, and then nothing or the end", async () => {
  for (const end of [false, true]) {
    const socket = await RawSocket.upgrade(cluster.url);
    socket.write(bytes(0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 0x7b)); // 65,535 bytes announced, one sent
    if (end) socket.cut();
    else await socket.ended("no hello in time"); // a frame that never ends is no hello
  }
  await undisturbed();
});

test("HTTP that is none, that never ends, or that is no upgrade", async () => {
  for (const request of ["GET /v1/connect HTTP/1.1\r\nHost: x\r\n\r\n", "GET /v1/connect HTTP/1.1\r\n\r\n"]) {
    const socket = await RawSocket.connect(cluster.url);
    socket.write(Buffer.from(request));
    await socket.endedOr("an answer", "HTTP/1.1 4");
  }
  for (const beginning of [
    "\u0000\u0001",
    "nonsense\r\n\r\n",
    "GET /v1/connect HTTP/1.1\r\nX: y",
    `GET /${"x".repeat(20_000)}`,
  ]) {
    const socket = await RawSocket.connect(cluster.url);
    cluster.beforeStop(() => socket.cut());
    socket.write(Buffer.from(beginning));
  }
  await undisturbed();
});

test("two hundred connections that say nothing are closed, and those that want to talk get in", async () => {
  const silent = await Promise.all(Array.from({ length: 200 }, () => cluster.open()));
  const client = await cluster.connect("carol");
  await client.settled();
  await Promise.all(silent.map((each) => each.closedWith(4004, "hello_timeout")));
  await undisturbed();
});

test("a flood of publishes, pings and nonsense from connections that read nothing", async () => {
  const flood = await Promise.all([1, 2, 3].map(() => cluster.connect("mallory")));
  const batches = [
    Array.from({ length: 1_000 }, (_, i) => ({
      op: "pub",
      id: i + 1,
      ch: "chat.flood",
      data: "x".repeat(100),
    })),
    Array.from({ length: 1_000 }, () => ({ op: "ping" })),
    Array.from({ length: 1_000 }, (_, i) => ({ op: "history", id: i + 1, ch: CHAT, limit: 200 })),
  ];
  for (const client of flood) client.pause();
  for (let round = 0; round < 10; round++)
    for (const [i, client] of flood.entries()) if (client.isOpen) client.send(batches[i]!);
  await undisturbed();
  for (const client of flood) client.cut();
  await undisturbed();
});

test("the gateway's log knows of no defect", () => {
  const serious = cluster
    .log("g1")
    .split("\n")
    .filter((line) => /"level":"(error|fatal)"/.test(line));
  assert.deepEqual(serious, []);
});
