/** One request to a webhook: how it ends, whatever is on the other side. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { type TestContext, test } from "node:test";
import { post } from "./post.js";

const OPTIONS = { deadlineMs: 10_000, privateTargets: true, signal: new AbortController().signal };

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test("the answer's status is what counts; redirects are answers like others, and are not followed", async (t) => {
  let asked = 0;
  const url = await serve(t, (_, response) => {
    asked++;
    response.writeHead(307, { location: "/elsewhere" }).end();
  });
  assert.deepEqual(await post(url, {}, "{}", OPTIONS), { status: 307 });
  assert.equal(asked, 1);
});

test("an answer without an end is read to a bound", async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(200);
    const more = setInterval(() => response.write("x".repeat(10_000)), 1);
    response.on("close", () => clearInterval(more));
  });
  assert.deepEqual(await post(url, {}, "{}", OPTIONS), { status: 200 });
});

test("silence, a connection that is cut, and nobody there are told apart", async (t) => {
  const silent = await serve(t, () => undefined);
  const late = await post(silent, {}, "{}", { ...OPTIONS, deadlineMs: 300 });
  assert.deepEqual(late, { problem: "no_answer", message: "no answer in time" });
  const cutting = await serve(t, (request) => request.socket.destroy());
  const cut = await post(cutting, {}, "{}", OPTIONS);
  assert.deepEqual(cut, { problem: "no_answer", message: "ECONNRESET" });
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const nobody = await post(`http://127.0.0.1:${port}/`, {}, "{}", OPTIONS);
  assert.deepEqual(nobody, { problem: "unreachable", message: "ECONNREFUSED" });
});

test("without leave nothing private is asked, whether it is given as an address or as a name", async (t) => {
  let asked = 0;
  const url = await serve(t, (_, response) => {
    asked++;
    response.end();
  });
  const { port } = new URL(url);
  const hosts = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "0"];
  for (const host of hosts) {
    const attempt = await post(`http://${host}:${port}/`, {}, "{}", { ...OPTIONS, privateTargets: false });
    assert.equal("problem" in attempt && attempt.problem, "forbidden_target", host);
  }
  assert.equal(asked, 0);
});
