import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { assertPortFree, freePort } from "./ports.js";

async function listener(host: string) {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

test("a port is given out once, and can be listened on", async () => {
  const ports = [await freePort(), await freePort(), await freePort()];
  assert.equal(new Set(ports).size, 3);
  for (const port of ports) {
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  }
});

for (const [host, other] of [
  ["127.0.0.1", "127.0.0.1"],
  ["0.0.0.0", "127.0.0.1"],
  ["127.0.0.1", "0.0.0.0"],
] as const) {
  test(`a listener on ${host} is noticed when ${other} is wanted`, async (t) => {
    const { server, port } = await listener(host);
    t.after(() => server.close());
    await assert.rejects(assertPortFree(other, port, "--port"), /is taken by another program.*--port/);
  });
}

test("a free port passes, and stays free", async () => {
  const { server, port } = await listener("127.0.0.1");
  server.close();
  await once(server, "close");
  await assertPortFree("127.0.0.1", port, "--port");
  await assertPortFree("127.0.0.1", port, "--port");
});

test("an address that is not of this machine is an error of its own", async () => {
  await assert.rejects(assertPortFree("192.0.2.1", 8080, "--port"), /Cannot listen on 192\.0\.2\.1:8080/);
});

test("a port that was given out is kept for its owner while nobody listens on it", async () => {
  const port = await freePort();
  const other = createSocket("udp4");
  const refused = new Promise((resolve) => other.once("error", resolve));
  other.bind({ address: "127.0.0.1", port, exclusive: true });
  assert.equal(((await refused) as NodeJS.ErrnoException).code, "EADDRINUSE");
  other.close();
});
