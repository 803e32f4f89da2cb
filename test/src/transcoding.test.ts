/** Whatever a client may publish reaches readers of both encodings; what nobody may have written is no silent gap. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Plexus } from "@plexus/client";
import { encodeRecord, joinFragments, messageFragment, subjects } from "@plexus/protocol";
import { WebSocket } from "ws";
import { clusterForFile } from "./harness/cluster.js";
import { TENANT } from "./harness/tokens.js";
import { until } from "./harness/wait.js";

const cluster = clusterForFile();
const withData = (...data: string[]) =>
  joinFragments(data.map((json, i) => messageFragment(`${i}`, '"u"', '"c"', json)));
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

const NASTY: Record<string, "stored" | "refused"> = {
  "1e400": "refused",
  "-1e400": "refused",
  "1e-400": "stored",
  "-0": "stored",
  "123456789012345678901234567890": "stored",
  "18446744073709551616": "stored",
  '"\\ud800"': "stored",
  '{"\\udfff":"\\ud83d"}': "stored",
  '{"__proto__":{"polluted":1},"constructor":1,"toJSON":{}}': "stored",
  '{"a":1,"a":{"a":2}}': "stored",
  '{"":"\\u0000"}': "stored",
  [nested(64)]: "stored",
  [nested(65)]: "refused",
};

test("the nastiest JSON is refused with an answer, or arrives at all", async () => {
  const ch = "chat.nasty";
  const readers = await Promise.all(
    (["json", "msgpack"] as const).map((encoding) => cluster.connect(`reads-${encoding}`, { encoding })),
  );
  for (const reader of readers) await reader.sub(ch);
  const writer = await cluster.connect("writer");
  let stored = 0;
  for (const [data, outcome] of Object.entries(NASTY)) {
    const id = writer.nextId();
    writer.sendRaw(`{"op":"pub","id":${id},"ch":"${ch}","data":${data}}`);
    const { op, code } = await writer.reply(id);
    assert.deepEqual([op, code], outcome === "stored" ? ["ok", undefined] : ["err", "bad_request"], data);
    if (outcome === "stored") stored++;
  }
  for (const reader of readers) {
    await until("all that was stored", () => reader.channel(ch).received.length === stored);
    reader.channel(ch).assertConsecutive();
  }
  const late = await cluster.connect("late", { encoding: "msgpack" });
  await late.sub(ch, { rewind: 100 });
  await until("the same from the past", () => late.channel(ch).received.length === stored);
  const sum = (await cluster.metrics("g1")).sum("plexus_untranscodable_frames_total");
  assert.equal(sum, 0);
});

test("a record that is no JSON: MessagePack's readers are told that something is missing", async () => {
  const ch = "chat.junk";
  const reader = await cluster.connect("reader", { encoding: "msgpack" });
  const { epoch } = await reader.sub(ch);
  const nats = await cluster.nats();
  nats.publish(subjects.event(TENANT, ch), encodeRecord(ch, epoch, 1, [withData('{"half')], 0));
  const reset = await reader.until("the reset", ({ op }) => op === "reset");
  assert.deepEqual([reset.ch, reset.epoch, reset.seq, reset.recovered], [ch, epoch, 1, false]);
  await reader.settled();
});

test("a record that is no JSON, or no text at all: the SDK is told once, and goes on behind it", async () => {
  const ch = "chat.sdk-junk";
  const token = await cluster.token("sdk");
  const client = new Plexus({ url: cluster.url, token: () => token, WebSocket });
  const [got, connections]: [string[], string[]] = [[], []];
  client.on("state", ({ name }) => void connections.push(name));
  client.channel(ch).on("message", ({ seq }) => void got.push(`${seq}`));
  client.channel(ch).on("reset", ({ to }) => void got.push(`reset ${to.seq}`));
  await client.connect();
  try {
    const { epoch } = (await client.channel(ch).subscribe()).position;
    const nats = await cluster.nats();
    const half = encodeRecord(ch, epoch, 1, [withData('{"half')], 0);
    const noText = encodeRecord(ch, epoch, 2, [withData('"##"')], 0).map((b) => (b === 0x23 ? 0xff : b));
    const well = encodeRecord(ch, epoch, 3, [withData("3")], 0);
    for (const bytes of [half, noText, well]) nats.publish(subjects.event(TENANT, ch), bytes);
    await until("what comes behind", () => got.at(-1) === "3");
    assert.deepEqual(got, ["reset 1", "reset 2", "3"]);
    assert.equal(connections.filter((name) => name === "connected").length, 1);
  } finally {
    client.close();
  }
});

test("a position inside of a record that is no JSON: its client is told that something is missing, and stays", async () => {
  const ch = "chat.half";
  const watcher = await cluster.connect("watcher", { encoding: "msgpack" });
  const { epoch } = await watcher.sub(ch);
  const junk = encodeRecord(ch, epoch, 1, [withData('{"half', "1")], 0);
  (await cluster.nats()).publish(subjects.event(TENANT, ch), junk);
  await watcher.until("the reset", ({ op }) => op === "reset");
  const late = await cluster.connect("late");
  const { recovered } = await late.sub(ch, { since: { epoch, seq: 1 } });
  assert.equal(recovered, true);
  const reset = await late.until("the reset", ({ op }) => op === "reset");
  assert.deepEqual([reset.epoch, reset.seq, reset.recovered], [epoch, 2, false]);
  await late.settled();
});
