import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { freePort } from "./ports.js";

test("a port is given out once, and can be listened on", async () => {
  const ports = [await freePort(), await freePort(), await freePort()];
  assert.equal(new Set(ports).size, 3);
  for (const port of ports) {
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  }
});

test("a port that was given out is kept for its owner while nobody listens on it", async () => {
  const port = await freePort();
  const other = createSocket("udp4");
  const refused = new Promise((resolve) => other.once("error", resolve));
  other.bind({ address: "127.0.0.1", port, exclusive: true });
  assert.equal(((await refused) as NodeJS.ErrnoException).code, "EADDRINUSE");
  other.close();
});
