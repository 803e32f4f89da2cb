import assert from "node:assert/strict";
import { test } from "node:test";
import { childEnvironment } from "./environment.js";

test("what all processes know is passed on; what concerns traces goes to those that messages pass; the rest is named", () => {
  const { env, tracing, dropped } = childEnvironment(
    {
      HOME: "/home/me",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
      PLEXUS_LOG_LEVEL: "debug",
      PLEXUS_TRACE_RATIO: "0.01",
      PLEXUS_PORT: "1",
      NATS_URL: "nats://elsewhere",
      npm_command: "start",
    },
    { PLEXUS_LOG_LEVEL: "warn" },
  );
  assert.deepEqual(env, {
    HOME: "/home/me",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
    PLEXUS_LOG_LEVEL: "warn",
  });
  assert.deepEqual(tracing, { PLEXUS_TRACE_RATIO: "0.01" });
  assert.deepEqual(dropped, ["PLEXUS_PORT"]);
});
