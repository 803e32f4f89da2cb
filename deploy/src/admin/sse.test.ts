/** Streams of events over real connections. */
import assert from "node:assert/strict";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { deferred, until } from "@plexus/runtime/testing";
import Fastify from "fastify";
import { type EventStream, EventStreams } from "./sse.js";

test("a reader that went before its stream began leaves nothing open", async (t) => {
  const streams = new EventStreams();
  const server = Fastify();
  t.after(() => server.close());
  const asked = deferred();
  const gone = deferred();
  const opened = deferred<EventStream>();
  server.get("/events", async (_, reply) => {
    reply.raw.once("close", () => gone.resolve());
    asked.resolve();
    // As a route does that asks somebody else first.
    await gone.promise;
    opened.resolve(streams.open(reply));
  });
  await server.listen({ port: 0, host: "127.0.0.1" });
  const reader = connect((server.server.address() as AddressInfo).port, "127.0.0.1");
  reader.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await asked.promise;
  reader.destroy();
  const stream = await opened.promise;
  assert.equal(stream.signal.aborted, true);
  assert.equal(streams.size, 0);
});

test("a stream is open until its reader goes", async (t) => {
  const streams = new EventStreams();
  const server = Fastify();
  t.after(() => server.close());
  server.get("/events", async (_, reply) => {
    streams.open(reply).send("greeting", '{"a":1}');
  });
  await server.listen({ port: 0, host: "127.0.0.1" });
  const reader = connect((server.server.address() as AddressInfo).port, "127.0.0.1");
  let text = "";
  reader.on("data", (data) => {
    text += data;
  });
  reader.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until("the event", () => text.includes('event: greeting\ndata: {"a":1}\n\n'));
  assert.equal(streams.size, 1);
  reader.destroy();
  await until("it to be closed", () => streams.size === 0);
});
