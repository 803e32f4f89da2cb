/** What a gateway holds against the network: floods by address, handshakes that never end, peers that are gone. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { FaultProxy } from "./harness/fault-proxy.js";
import { RawClient } from "./harness/raw-client.js";
import { RawSocket } from "./harness/raw-socket.js";
import { until, within } from "./harness/wait.js";

/** uWebSockets cuts a request that is not whole after ten seconds, by a clock that ticks every four. */
const HANDSHAKE_DEADLINE_MS = 30_000;
const MOST = 3;

const cluster = clusterForFile({
  gatewayEnv: {
    PLEXUS_MAX_CONNECTIONS_PER_ADDRESS: String(MOST),
    // So slow that nothing comes back while a test runs.
    PLEXUS_CONNECTIONS_PER_ADDRESS_PER_SECOND: "1",
    PLEXUS_CONNECTIONS_PER_ADDRESS_BURST: "10",
    PLEXUS_PING_MS: "1000",
    PLEXUS_HELLO_MS: "60000",
  },
});

interface Upgraded {
  status: number;
  retryAfter: number;
  body: string;
  close(): void;
}

/** Connects as a proxy on this machine does for a client. */
async function connectFor(forwardedFor: string | string[]): Promise<Upgraded> {
  const asked = request(cluster.url.replace("ws", "http"), {
    agent: false,
    headers: {
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": randomBytes(16).toString("base64"),
      "x-forwarded-for": forwardedFor,
    },
  });
  asked.end();
  const refused = once(asked, "response").then(async ([response]) => {
    const message = response as IncomingMessage;
    let body = "";
    for await (const chunk of message) body += String(chunk);
    const { statusCode = 0, headers } = message;
    return { status: statusCode, retryAfter: Number(headers["retry-after"]), body, close: () => undefined };
  });
  const taken = once(asked, "upgrade").then(([, socket]) => {
    const duplex = socket as Duplex;
    duplex.on("error", () => undefined); // a reset is one way to be closed
    cluster.beforeStop(() => duplex.destroy());
    return { status: 101, retryAfter: Number.NaN, body: "", close: () => duplex.destroy() };
  });
  return within("an answer to the upgrade", Promise.race([refused, taken]));
}

const refusedFor = async (reason: string) =>
  (await cluster.metrics("g1")).sum(`plexus_connections_refused_total{reason="${reason}"}`);
const openNow = async () => (await cluster.metrics("g1")).sum("plexus_connections");

test("an address has so many connections, others are not concerned, and a closed one makes room", async () => {
  const client = "203.0.113.9";
  const open: Upgraded[] = [];
  for (let i = 0; i < MOST; i++) open.push(await connectFor(client));
  assert.deepEqual(
    open.map(({ status }) => status),
    [101, 101, 101],
  );
  const before = await refusedFor("address_connections");
  const { status, body, retryAfter } = await connectFor(client);
  assert.deepEqual([status, body], [503, "address_connections"]);
  assert.ok(retryAfter >= 1);
  assert.equal(await refusedFor("address_connections"), before + 1);
  for (const claim of [
    `198.51.100.1, ${client}`,
    [`198.51.100.1`, client],
    `198.51.100.1,${client}, 127.0.0.1`,
  ])
    assert.equal((await connectFor(claim)).status, 503, "what a client says of itself does not count");
  assert.equal((await connectFor("203.0.113.10")).status, 101);
  open[0]!.close();
  await until("room for another one", async () => (await connectFor(client)).status === 101);
});

test("the addresses of a /64 are one", async () => {
  for (let i = 1; i <= MOST; i++) assert.equal((await connectFor(`2001:db8::${i}`)).status, 101);
  assert.equal((await connectFor("2001:db8::ffff")).status, 503);
  assert.equal((await connectFor("2001:db8:0:1::1")).status, 101);
});

test("a flood from an address is slowed down: 429, and when to come again", async () => {
  const last = await until("the address to have come too often", async () => {
    const answer = await connectFor("203.0.113.77");
    answer.close();
    return answer.status === 429 && answer;
  });
  assert.equal(last.body, "address_rate");
  assert.ok(last.retryAfter >= 1);
  assert.ok((await refusedFor("address_rate")) >= 1);
  assert.equal((await connectFor("203.0.113.78")).status, 101);
});

test("who is on this machine and speaks for nobody is not counted", async () => {
  const clients = await Promise.all(Array.from({ length: 30 }, () => cluster.open()));
  for (const client of clients) client.cut();
});

test("requests that never become whole are cut, also those that go on byte by byte", async () => {
  const beginning = Buffer.from("GET /v1/connect HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  const sockets = await Promise.all(Array.from({ length: 40 }, () => RawSocket.connect(cluster.url)));
  const before = await openNow();
  for (const socket of sockets) socket.write(beginning);
  const dribble = setInterval(() => {
    for (const socket of sockets.slice(0, 20)) socket.write(Buffer.from("x"));
  }, 1_000);
  const ended = sockets.map((socket) => socket.ended("no whole request", HANDSHAKE_DEADLINE_MS));
  await Promise.all(ended).finally(() => clearInterval(dribble));
  assert.ok((await openNow()) <= before, "they never counted as connections");
  const client = await cluster.connect("carol");
  await client.settled();
});

test("a peer that is gone without a word is closed after the idle time, and leaves its channels", async () => {
  const watcher = await cluster.connect("watcher");
  const channel = "chat.half-open";
  await watcher.sub(channel, { presence: true });
  const { hostname, port } = new URL(cluster.url);
  const proxy = await FaultProxy.listen({ host: hostname, port: Number(port) });
  cluster.beforeStop(() => proxy.close());
  const client = await RawClient.open(`ws://127.0.0.1:${proxy.port}/v1/connect`);
  cluster.beforeStop(() => client.cut());
  await client.hello(await cluster.token("gone"));
  await client.sub(channel, { presence: true });
  const told = (what: "join" | "leave") =>
    watcher.frames.some(
      ({ op, [what]: members }) => op === "presence" && JSON.stringify(members)?.includes('"gone"'),
    );
  await until("it to come", () => told("join"));
  proxy.impair({ hold: ["up", "down"] });
  await until("it to leave", () => told("leave"), HANDSHAKE_DEADLINE_MS);
});
