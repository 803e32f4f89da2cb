import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readOptions } from "../config.js";
import { natsForFile, silent } from "../testing/index.js";
import { tracingOptions } from "./options.js";
import { startTracing } from "./start.js";

const INDEX = new URL("../index.js", import.meta.url).href;
const bus = natsForFile();

test("a process that exports nothing does not load the exporter", () => {
  const program = `
    import { createRequire } from "node:module";
    const runtime = await import(${JSON.stringify(INDEX)});
    const nats = { subscribe: () => ({ unsubscribe: () => undefined }), publish: () => undefined };
    const options = runtime.readOptions(runtime.tracingOptions, { PLEXUS_TRACE_RATIO: "1" });
    const process_ = { kind: "gateway", id: "g1" };
    const { tracer, stop } = await runtime.startTracing({ nats, options, process: process_, log: {} });
    await stop();
    const { cache } = createRequire(${JSON.stringify(INDEX)});
    const loaded = Object.keys(cache).filter((path) => path.includes("@opentelemetry/") && !path.includes("/api/"));
    console.log(JSON.stringify({ active: tracer.active, loaded }));`;
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const args = ["--input-type=module", "--eval", program];
  const said = execFileSync(process.execPath, args, { cwd, encoding: "utf8" });
  assert.deepEqual(JSON.parse(said), { active: false, loaded: [] });
});

test("options: off unless told otherwise, and nonsense is refused", () => {
  const off = readOptions(tracingOptions, {});
  assert.deepEqual([off.traceEndpoint, off.traceRatio], [undefined, 0]);
  for (const env of [
    { PLEXUS_TRACE_RATIO: "1.5" },
    { PLEXUS_TRACE_RATIO: "-1" },
    { PLEXUS_TRACE_MAX_PER_S: "many" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" },
  ])
    assert.throws(() => readOptions(tracingOptions, env), new RegExp(Object.keys(env)[0]!));
});

test("a collector that is not there is felt by nobody: all goes on, and the process ends in time", async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", PLEXUS_TRACE_RATIO: "1" };
  const options = readOptions(tracingOptions, env);
  const tracing = await startTracing({
    nats: bus.nats,
    options,
    process: { kind: "gateway", id: "g1" },
    log: silent,
  });
  for (let i = 0; i < 1_000; i++) {
    const trace = tracing.tracer.begin("acme", "chat.a", undefined, "client");
    trace?.stored("e", i, false, performance.now());
  }
  const from = performance.now();
  await tracing.stop();
  assert.ok(performance.now() - from < 10_000);
});
