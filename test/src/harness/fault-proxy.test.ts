import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { FaultProxy } from "./fault-proxy.js";
import { until } from "./wait.js";

/** Sends back what it gets. */
let echo: Server;
let proxy: FaultProxy;

before(async () => {
  echo = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  proxy = await FaultProxy.listen({ host: "127.0.0.1", port: (echo.address() as AddressInfo).port });
});
beforeEach(async () => {
  proxy.heal();
  proxy.cut();
  await until("the connections to be gone", () => proxy.size === 0);
});
after(() => {
  proxy.close();
  echo.close();
});

interface Client {
  socket: Socket;
  /** What came, chunk by chunk. */
  chunks: Buffer[];
  text(): string;
}

async function client(): Promise<Client> {
  const socket = connect(proxy.port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => undefined); // the tests look at whether it is closed
  await once(socket, "connect");
  return { socket, chunks, text: () => Buffer.concat(chunks).toString() };
}

async function works({ socket, text }: Client): Promise<void> {
  const had = text();
  socket.write("hello");
  await until("the echo", () => text() === `${had}hello`);
}

test("carries everything while nothing is wrong", async () => {
  const { socket, chunks } = await client();
  const sent = Buffer.alloc(3_000_000, "0123456789");
  socket.end(sent);
  await once(socket, "close");
  assert.ok(Buffer.concat(chunks).equals(sent));
});

test("what is held in a direction arrives when that is over, in order", async () => {
  for (const hold of [["up"], ["down"], ["up", "down"]] as const) {
    const one = await client();
    await works(one);
    proxy.impair({ hold });
    for (const part of ["a", "b", "c"]) one.socket.write(part);
    const other = await client();
    other.socket.write("x");
    // One that is not impaired shows that time has passed, and nothing came through the others.
    proxy.impair({}, () => false);
    await works(await client());
    assert.deepEqual([one.text(), other.text()], ["hello", ""]);
    assert.equal(one.socket.destroyed, false);
    proxy.heal();
    await until("what was held", () => one.text() === "helloabc" && other.text() === "x");
    for (const { socket } of [one, other]) socket.destroy();
  }
});

test("cuts those chosen, refuses while it is told to, and is well again", async () => {
  const [one, other] = [await client(), await client()];
  await works(one);
  await works(other);
  let nth = 0;
  proxy.cut(() => nth++ === 0);
  proxy.refuse(true);
  await until("one to be cut", () => one.socket.closed !== other.socket.closed);
  const refused = connect(proxy.port, "127.0.0.1").on("error", () => undefined);
  await until("the new one to be refused", () => refused.closed);
  proxy.heal();
  await works(one.socket.closed ? other : one);
  await works(await client());
  proxy.cut();
});

test("slices: everything arrives, in small pieces", async () => {
  proxy.impair({ sliceBytes: 3 });
  const one = await client();
  one.socket.write("0123456789");
  await until("everything", () => one.text() === "0123456789");
  one.socket.destroy();
});

test("late and slow connections bring everything", async () => {
  for (const impairment of [{ delayMs: 30 }, { bytesPerSecond: 1_000 }]) {
    proxy.impair(impairment);
    const one = await client();
    const startedAt = performance.now();
    one.socket.write("x".repeat(50));
    await until("everything", () => one.text().length === 50);
    assert.ok(performance.now() - startedAt >= 50, "in both directions");
    one.socket.destroy();
  }
});
