/**
 * Whatever bytes arrive, the gateway neither crashes nor grows, answers what it owes and nothing else, and disturbs
 * nobody. All of it follows from a seed:
 *
 *     PLEXUS_FUZZ_SEED=7 PLEXUS_FUZZ_RUNS=2000 npm test -- wire/fuzz
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAlive } from "@plexus/runtime/testing";
import fc from "fast-check";
import { clusterForFile } from "../harness/cluster.js";
import type { Encoding } from "../harness/raw-client.js";
import { EVERYTHING } from "../harness/tokens.js";
import { until } from "../harness/wait.js";
import { frameStreams, type Stream, upgrades } from "./byte-arbitraries.js";
import { assertTyped, Expectation } from "./expectation.js";
import { CHANNELS, FUZZ_NAMESPACE } from "./frame-arbitraries.js";
import { close, closing, fragments, frame, OPCODE, ping, text } from "./frames.js";
import { type Message, messages } from "./message-arbitraries.js";
import { upgradeRequest } from "./upgrade.js";
import { assertReady, settled, type VitalSigns } from "./vital-signs.js";
import { each } from "./wire-case.js";
import { WireSocket } from "./wire-socket.js";
import { Witness } from "./witness.js";

const SEED = Number(process.env.PLEXUS_FUZZ_SEED ?? 4);
const RUNS = Number(process.env.PLEXUS_FUZZ_RUNS ?? 80);
/** Of what is one short connection each. */
const SHORT_RUNS = 5 * RUNS;
/** What a process that leaks nothing may still gain between the warm-up and the end: fragmentation, caches, code. */
const MAX_GROWTH_MB = 40;
/** The gateway lives with a small heap, so that a leak in it is a crash. */
const HEAP = "--max-old-space-size=96 --max-semi-space-size=2";
const ENDINGS = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 4500, 4501];
/** Characters of a report about a failure. */
const MAX_REPORT = 10_000;
/** Of a ping behind everything else. */
const LAST = "last";
const SLOW_HANDSHAKES = 20;
const DRIP_MS = 200;

let token = "";
let pid = 0;
let witness: Witness;
let first: VitalSigns;
let warm: VitalSigns;
let dripping: Promise<void>;

const cluster = clusterForFile(
  {
    restart: false,
    settings: { namespaces: { [FUZZ_NAMESPACE]: { retention: { messages: 200 } } } },
    gatewayEnv: { NODE_OPTIONS: HEAP, PLEXUS_HELLO_MS: "5000", PLEXUS_STOP_GRACE_MS: "0" },
  },
  async (started) => {
    token = await started.token("mallory", { caps: { [`${FUZZ_NAMESPACE}.*`]: EVERYTHING } });
    pid = started.process("g1").pid;
    witness = await Witness.start(started, CHANNELS);
    started.beforeStop(() => witness.stop());
    first = await settled(started, witness.load);
    dripping = drip();
  },
);

function gatewayLives(): boolean {
  return cluster.cluster.processes.some(
    (process) => process.id === "g1" && process.pid === pid && isAlive(pid),
  );
}

/** Runs the property; what fails says how to see it again. */
async function holds<T>(
  arbitrary: fc.Arbitrary<T>,
  runs: number,
  property: (value: T) => Promise<void>,
): Promise<void> {
  const checked = fc.asyncProperty(arbitrary, async (value) => {
    fc.pre(gatewayLives()); // a gateway that is gone says nothing about smaller inputs
    await property(value);
    assert.ok(gatewayLives(), "the gateway is gone");
  });
  const result = await fc.check(checked, { seed: SEED, numRuns: runs });
  if (result.failed) {
    const replay = `PLEXUS_FUZZ_SEED=${SEED} PLEXUS_FUZZ_RUNS=${RUNS} npm test -- wire/fuzz`;
    assert.fail(
      `${result.errorInstance}\n${replay}\n${fc.defaultReportMessage(result)?.slice(0, MAX_REPORT)}`,
    );
  }
  assert.ok(gatewayLives(), "the gateway is gone");
  await assertReady(cluster);
  await witness.undisturbed();
}

/** Sends them all, on as many connections as that takes: some messages are the last of theirs. */
async function converse(encoding: Encoding, sent: Message[]): Promise<void> {
  for (let from = 0; from < sent.length; ) {
    const expectation = new Expectation(encoding);
    let to = from;
    while (to < sent.length && expectation.ending === undefined) expectation.add(sent[to++]!);
    // One more goes out behind what ends the connection, and must lead to nothing.
    await exchange(encoding, sent.slice(from, to + 1), expectation);
    from = to;
  }
}

/** Sends messages on one connection, and holds every answer against what is owed. */
async function exchange(encoding: Encoding, sent: Message[], expectation: Expectation): Promise<void> {
  const wire = await WireSocket.welcome(cluster.url, token, encoding);
  const from = wire.frames.length;
  for (const message of sent) wire.write(frame(message));
  const since = () => wire.frames.slice(from);
  wire.write(ping(LAST));
  const isRead = () => wire.pongs.some((pong) => pong.toString() === LAST);
  await wire.when("every answer", () => wire.isOver || (isRead() && expectation.isMet(since())));
  if (wire.isOver) await wire.end();
  expectation.assertMet(since(), wire.ending);
  wire.cut();
}

/** Sends bytes, and then nothing more; what comes back has to be right, and the end to come. */
async function pour(wire: WireSocket, { parts, segment }: Stream): Promise<void> {
  await wire.chop(Buffer.concat(parts), segment);
  wire.half();
  const { code } = await wire.end("what was poured");
  assert.ok(ENDINGS.includes(code), `ended with ${code}`);
  for (const said of wire.frames) assertTyped(said);
}

async function pourIntoConnection(stream: Stream): Promise<void> {
  await pour(await WireSocket.welcome(cluster.url, token), stream);
}

async function pourIntoUpgrade(stream: Stream): Promise<void> {
  const wire = await WireSocket.connect(cluster.url);
  await pour(wire, stream);
  assert.match(wire.head, /^(?:$|HTTP\/1\.1 (?:100|101|400|404|413|426|431|505) )/);
}

async function everything(runs: number): Promise<void> {
  await holds(messages("json"), runs, (sent) => converse("json", sent));
  await holds(messages("msgpack"), runs, (sent) => converse("msgpack", sent));
  await holds(frameStreams, runs, pourIntoConnection);
  await holds(upgrades, runs, pourIntoUpgrade);
}

/** Opens connections whose request never ends, a byte at a time, and resolves when the gateway has ended them all. */
async function drip(): Promise<void> {
  const request = Buffer.from(upgradeRequest({ "X-Slow": "x".repeat(3_000) }));
  await Promise.all(
    Array.from({ length: SLOW_HANDSHAKES }, async (_, i) => {
      const wire = await WireSocket.connect(cluster.url);
      let at = 0;
      const timer = setInterval(() => wire.write(request.subarray(at, ++at)), DRIP_MS + i);
      await wire.ended.finally(() => clearInterval(timer));
    }),
  );
}

test("a first round, after which the gateway's memory is measured", async () => {
  await everything(Math.max(20, Math.floor(RUNS / 5)));
  warm = await settled(cluster, witness.load);
});

test("messages in JSON: each is answered as it should be", async () => {
  await holds(messages("json"), RUNS, (sent) => converse("json", sent));
});

test("messages in MessagePack: each is answered as it should be", async () => {
  await holds(messages("msgpack"), RUNS, (sent) => converse("msgpack", sent));
});

test("WebSocket frames that are not right", async () => {
  await holds(frameStreams, SHORT_RUNS, pourIntoConnection);
});

test("requests that are no upgrade, or nearly one", async () => {
  await holds(upgrades, SHORT_RUNS, pourIntoUpgrade);
});

test("a conversation that is cut after each of its bytes", async () => {
  const conversation = Buffer.concat([
    text(JSON.stringify({ op: "hello", id: 1, token })),
    text(JSON.stringify({ op: "sub", id: 2, ch: "fuzz.a", rewind: 1, presence: true })),
    ping("are you there"),
    ...fragments(
      OPCODE.text,
      Buffer.from(JSON.stringify({ op: "pub", id: 3, ch: "fuzz.a", data: "κόσμε" })),
      9,
    ),
    text(JSON.stringify([{ op: "history", id: 4, ch: "fuzz.a" }, { op: "ping" }])),
    close(closing(1000, "done")),
  ]);
  const request = Buffer.from(upgradeRequest());
  const whole = Buffer.concat([request, conversation]);
  await each(Array.from(whole.keys()), async (length) => {
    const wire = await WireSocket.connect(cluster.url);
    wire.write(whole.subarray(0, length));
    if (length % 2 === 0) wire.half();
    else wire.cut();
    await wire.end(`${length} bytes`);
    for (const said of wire.frames) assertTyped(said);
  });
  await witness.undisturbed();
});

test("floods: pings that nobody reads the pongs of, the smallest frames, connections that come and go", async () => {
  const deaf = await WireSocket.welcome(cluster.url, token);
  deaf.pause();
  const pings = Buffer.concat(Array.from({ length: 2_000 }, () => ping("x".repeat(125))));
  for (let i = 0; i < 60; i++) deaf.write(pings);
  const busy = await WireSocket.welcome(cluster.url, token);
  const tiny = Array.from({ length: 20_000 }, (_, i) =>
    i % 2 === 0 ? text("[]") : frame({ opcode: OPCODE.pong }),
  );
  busy.write(Buffer.concat([...tiny, ping("end")]));
  await busy.pongsCount(1);
  await each(Array(300).keys(), async () => (await WireSocket.open(cluster.url)).cut(), 30);
  await witness.undisturbed();
  busy.cut();
  await settled(cluster, witness.load);
  deaf.cut();
});

test("handshakes of one byte now and then are ended by the gateway", async () => {
  await dripping;
});

test("afterwards the gateway is the same process, holds nothing, and has not grown", async (t) => {
  await witness.undisturbed();
  assert.ok(gatewayLives());
  await assertReady(cluster);
  let now = warm;
  await until("memory and files to be what they were", async () => {
    now = await settled(cluster, witness.load);
    return now.residentMb <= warm.residentMb + MAX_GROWTH_MB && now.openFiles <= first.openFiles;
  }).catch((cause) => assert.fail(`${cause}: ${JSON.stringify({ first, warm, now })}`));
  t.diagnostic(`resident ${warm.residentMb} MB after the first round, ${now.residentMb} MB at the end`);
  const serious = cluster
    .log("g1")
    .split("\n")
    .filter((line) => /"level":"(error|fatal)"/.test(line));
  assert.deepEqual(serious, []);
});
