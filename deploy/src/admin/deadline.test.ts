/** What does not come to an answer is answered all the same; what has begun to answer may take its time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { PlexusError } from "@plexus/protocol";
import Fastify from "fastify";
import type { AdminServer } from "./context.js";
import { boundAnswers } from "./deadline.js";
import { errorAnswer, toPlexusError } from "./errors.js";

const WITHIN_MS = 100;

test("a request that nothing answers is a timeout; answers, refusals and streams are left alone", async () => {
  const server = Fastify() as AdminServer;
  boundAnswers(server, WITHIN_MS);
  server.setErrorHandler((error, _, reply) => {
    const { status, body } = errorAnswer(toPlexusError(error)!);
    return reply.code(status).send(body);
  });
  server.get("/never", () => new Promise<never>(() => undefined));
  server.get("/well", async (_, reply) => reply.code(202).send({ ok: true }));
  server.get("/refused", async () => {
    throw new PlexusError("not_found", "there is none");
  });
  server.get("/stream", async (_, reply) => {
    reply.hijack();
    reply.raw.writeHead(200);
    await pause(3 * WITHIN_MS);
    reply.raw.end("all of it");
  });
  const got = async (url: string) => {
    const { statusCode, body } = await server.inject({ url });
    return [statusCode, body];
  };
  const [status, body] = await got("/never");
  assert.deepEqual([status, JSON.parse(String(body)).error.code], [504, "timeout"]);
  assert.deepEqual(await got("/well"), [202, '{"ok":true}']);
  assert.equal((await got("/refused"))[0], 404);
  assert.deepEqual(await got("/stream"), [200, "all of it"]);
  await server.close();
});
