/** Somebody else's server may be slow, talk without end, or send us elsewhere. */
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { askJson, type JsonAnswer } from "./http.js";

let answer: RequestListener;
const server = createServer((request, response) => answer(request, response));
beforeEach(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

function ask({ address = "127.0.0.1", deadlineMs = 10_000 } = {}): Promise<JsonAnswer> {
  const { port } = server.address() as AddressInfo;
  return askJson(`http://${address}:${port}/`, { method: "GET", deadlineMs, maxBytes: 1_000 });
}

test("status and body; what is no JSON has none", async () => {
  answer = (_, response) => response.end('{"a":1}');
  assert.deepEqual(await ask(), { status: 200, body: { a: 1 } });
  answer = (_, response) => response.writeHead(502).end("<html>");
  assert.deepEqual(await ask(), { status: 502, body: undefined });
});

test("an answer that is too long is not read to its end", async () => {
  let sent = 0;
  answer = (_, response) => {
    const more = () => {
      sent++;
      if (!response.destroyed) response.write("x".repeat(100), () => setImmediate(more));
    };
    more();
  };
  await assert.rejects(ask(), /longer than 1000/);
  assert.ok(sent < 10_000);
});

test("silence ends at the deadline, before the answer and in the middle of it", async () => {
  const deadlineMs = 300;
  answer = () => undefined;
  await assert.rejects(ask({ deadlineMs }), { name: "TimeoutError" });
  answer = (_, response) => void response.write("{");
  await assert.rejects(ask({ deadlineMs }), { name: "TimeoutError" });
});

test("nobody is followed elsewhere, and no login is repeated", async () => {
  answer = (_, response) => response.writeHead(302, { location: "http://127.0.0.1:9/" }).end();
  await assert.rejects(ask());
  await assert.rejects(ask({ address: "me:hidden@127.0.0.1" }), (error) => !String(error).includes("hidden"));
});
