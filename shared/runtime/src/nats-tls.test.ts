/** A server that offers no TLS, as one would look from which somebody in between has taken it away. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { connectNats } from "./nats.js";
import { silent, until } from "./testing/index.js";

const INFO = { server_id: "x", version: "2.10.0", proto: 1, max_payload: 1_048_576, headers: true };

const CONNECT = `
  const { connectNats } = await import(${JSON.stringify(new URL("./nats.js", import.meta.url).href)});
  await connectNats(process.argv[1], "test", { warn: () => undefined });
`;

test("to an address with tls:// nothing is said without TLS; to another one it is", async (t) => {
  const sockets: Socket[] = [];
  let said = "";
  let ended = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined); // the client may cut it, which is what is waited for
    socket.on("close", () => ended++);
    socket.on("data", (data) => {
      said += data.toString();
      if (data.toString().includes("PING")) socket.write("PONG\r\n");
    });
    socket.write(`INFO ${JSON.stringify(INFO)}\r\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  // In a process of its own, since it never gives up.
  const secure = spawn(process.execPath, ["--input-type=module", "-e", CONNECT, `tls://${address}`], {
    stdio: "ignore",
  });
  t.after(async () => {
    secure.kill("SIGKILL");
    if (secure.exitCode === null && secure.signalCode === null) await once(secure, "exit");
  });
  await until("the client to turn away", () => ended > 0);
  assert.ok(!said.includes("CONNECT"), said);
  const plain = await connectNats(`nats://${address}`, "test", silent);
  assert.ok(said.includes("CONNECT"));
  await plain.close();
});
