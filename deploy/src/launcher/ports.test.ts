import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { assertPortFree } from "./ports.js";

async function listener(host: string) {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

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
