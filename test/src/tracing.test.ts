/** OpenTelemetry: a publish that brings a trace gives the spans of all its stages; one that brings none gives nothing. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { connectBot } from "@plexus/bot";
import { Plexus } from "@plexus/client";
import { headers } from "nats";
import { WebSocket } from "ws";
import { clusterForFile } from "./harness/cluster.js";
import { type CollectedSpan, OtlpCollector } from "./harness/otlp-collector.js";
import { TENANT } from "./harness/tokens.js";
import { until } from "./harness/wait.js";

const collector = await OtlpCollector.start();
const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
const gatewayEnv = { PLEXUS_TRACE_MAX_PER_S: "5" };
const cluster = clusterForFile({ gateways: 2, env, gatewayEnv });
after(() => collector.stop());

const SPAN = "00f067aa0ba902b7";
const traceNumber = (n: number) => n.toString(16).padStart(32, "0");
const traceparent = (trace: string, flags = "01") => `00-${trace}-${SPAN}-${flags}`;

/** The spans of a trace by their stage, once there are so many. */
async function stages(trace: string, count: number): Promise<Record<string, CollectedSpan[]>> {
  await until(`${count} spans of ${trace}`, () => collector.of(trace).length >= count);
  const found: Record<string, CollectedSpan[]> = {};
  for (const span of collector.of(trace)) {
    const stage = span.name.split(" ")[0]!;
    found[stage] = [...(found[stage] ?? []), span];
  }
  return found;
}

/** How far behind its machine's clock a process may be that could not look at it in peace (wall-clock.ts). */
const BEHIND_NS = 1_000_000n;

function assertWithin(inner: CollectedSpan, outer: CollectedSpan): void {
  const [from, to] = [BigInt(inner.startTimeUnixNano), BigInt(inner.endTimeUnixNano)];
  assert.ok(from >= BigInt(outer.startTimeUnixNano) - BEHIND_NS, `${inner.name} begins in ${outer.name}`);
  assert.ok(to <= BigInt(outer.endTimeUnixNano) + BEHIND_NS, `${inner.name} ends in ${outer.name}`);
}

test("a client's publish: from its own span through gateway, worker, log and both gateways' fan-out", async () => {
  const [alice, bob] = [
    await cluster.connect("alice", { gateway: "g1" }),
    await cluster.connect("bob", { gateway: "g2", encoding: "msgpack" }),
  ];
  await alice.sub("chat.traced");
  await bob.sub("chat.traced");
  const trace = traceNumber(1);
  const stored = await alice.ok({ op: "pub", ch: "chat.traced", data: "hi", trace: traceparent(trace) });
  const { publish, lane, mailbox, append, fan_out: fanOut } = await stages(trace, 6);
  const [published, appended] = [publish![0]!, append![0]!];
  assert.deepEqual([publish!.length, lane!.length, mailbox!.length, append!.length], [1, 1, 1, 1]);
  assert.equal(published.parentSpanId, SPAN);
  assert.equal(published.name, "publish chat");
  assert.deepEqual([published.service, published.instance], ["plexus-gateway", "g1"]);
  assert.equal(published.attributes["plexus.seq"], (stored as { seq?: number }).seq);
  assert.equal(published.attributes["messaging.destination.name"], "chat.traced");
  for (const child of [lane![0]!, mailbox![0]!, appended]) {
    assert.equal(child.parentSpanId, published.spanId, child.name);
    assertWithin(child, published);
  }
  assert.deepEqual([appended.service, appended.instance], ["plexus-worker", "eu-1-w1"]);
  assert.deepEqual(
    appended.links?.map(({ spanId }) => spanId),
    [published.spanId],
  );
  assert.deepEqual(
    mailbox![0]!.links?.map(({ spanId }) => spanId),
    [appended.spanId],
  );
  assert.deepEqual(fanOut!.map(({ instance }) => instance).sort(), ["g1", "g2"]);
  for (const span of fanOut!) {
    assert.equal(span.parentSpanId, appended.spanId);
    assert.equal(span.attributes["plexus.receivers"], 1);
  }
  // Who receives it sees nothing of that: the record's bytes are the same as ever.
  const frame = bob.frames.find(({ op }) => op === "msg");
  assert.ok(!JSON.stringify(frame).includes(trace));
});

test("one record of several traced messages: one append, with links to all", async () => {
  const alice = await cluster.connect("alice");
  const traces = [traceNumber(21), traceNumber(22), traceNumber(23)];
  const ids = traces.map(() => alice.nextId());
  const replies = ids.map((id) => alice.reply(id));
  alice.send(
    traces.map((trace, i) => ({
      op: "pub",
      id: ids[i],
      ch: "chat.many",
      data: i,
      trace: traceparent(trace),
    })),
  );
  await Promise.all(replies);
  const { append } = await stages(traces[0]!, 4);
  assert.equal(append!.length, 1);
  assert.deepEqual(
    append![0]!.links?.map(({ traceId }) => traceId),
    traces,
  );
  assert.equal(append![0]!.attributes["messaging.batch.message_count"], 3);
  for (const trace of traces.slice(1)) {
    const { publish, mailbox, append: others } = await stages(trace, 3);
    assert.equal(publish!.length, 1);
    assert.equal(others, undefined);
    assert.equal(mailbox![0]!.links?.[0]?.spanId, append![0]!.spanId, "it can be found from there");
  }
});

test("a bot's publish with the header", async () => {
  const nats = await cluster.nats();
  const given = headers();
  const trace = traceNumber(3);
  given.set("traceparent", traceparent(trace));
  const subject = `bot.${TENANT}.helper.publish.chat.by-bot`;
  const answer = await nats.request(subject, JSON.stringify({ data: 1 }), {
    headers: given,
    timeout: 10_000,
  });
  assert.equal(answer.json<{ ok: boolean }>().ok, true);
  const { publish, append } = await stages(trace, 4);
  assert.equal(publish![0]!.attributes["plexus.by"], "bot");
  assert.equal(publish![0]!.service, "plexus-worker");
  assert.equal(append![0]!.parentSpanId, publish![0]!.spanId);
});

test("the SDK and the helper for bots pass on what they are given", async () => {
  const [byClient, byBot] = [traceNumber(31), traceNumber(32)];
  const token = await cluster.token("carol");
  const client = new Plexus({ url: cluster.url, token: () => token, WebSocket });
  await client.connect();
  await client.channel("chat.sdk").publish(1, { trace: traceparent(byClient) });
  client.close();
  const bot = await connectBot({ servers: cluster.dev.natsUrl, tenant: TENANT, name: "helper" });
  await bot.channel("chat.sdk").publish(2, { trace: traceparent(byBot) });
  await bot.close();
  for (const [trace, by] of [
    [byClient, "client"],
    [byBot, "bot"],
  ] as const) {
    const { publish } = await stages(trace, 4);
    assert.deepEqual([publish![0]!.parentSpanId, publish![0]!.attributes["plexus.by"]], [SPAN, by]);
  }
});

test("without a trace, with one that is not sampled or none, and beyond the rate nothing is exported", async () => {
  const alice = await cluster.connect("alice", { gateway: "g1" });
  const before = collector.spans.length;
  const pub = (trace?: unknown) =>
    alice.ok({ op: "pub", ch: "chat.plain", data: 1, ...(trace ? { trace } : {}) });
  await pub();
  await pub(traceparent(traceNumber(4), "00"));
  for (const wrong of ["nonsense", 7, traceparent(traceNumber(0)), null]) await pub(wrong);
  const asked = Array.from({ length: 40 }, (_, i) => traceNumber(100 + i));
  const ids = asked.map(() => alice.nextId());
  const replies = ids.map((id) => alice.reply(id));
  const frame = (i: number) => ({ op: "pub", id: ids[i], ch: "chat.plain", data: i });
  alice.send(asked.map((trace, i) => ({ ...frame(i), trace: traceparent(trace) })));
  for (const reply of await Promise.all(replies)) assert.equal(reply.op, "ok");
  const refused = () => cluster.metrics("g1").then((metrics) => metrics.sum("plexus_traces_refused_total"));
  const traced = () => asked.filter((trace) => collector.of(trace).length > 0).length;
  await until("all to be decided", async () => (await refused()) + traced() >= 40);
  assert.ok(traced() >= 1 && traced() < 30, `${traced()} of 40 were traced`);
  const seen = new Set(collector.spans.slice(before).map(({ traceId }) => traceId));
  for (const trace of seen) assert.ok(asked.includes(trace), "nothing else");
});
