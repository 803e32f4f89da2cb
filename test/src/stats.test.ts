/** What a running cluster says of itself: `GET /v1/stats` against what is known to have happened. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Admin } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { until, within } from "./harness/wait.js";

const cluster = clusterForFile({ admin: true, gateways: 2, workers: 2 });
const admin = new Admin(cluster);

interface Quantiles {
  p50: number | null;
  p99: number | null;
}
interface Stats {
  ts: number;
  total: Record<string, number | null> & { publishMs: Quantiles; deliverMs: Quantiles };
  cells: Record<string, Record<string, number | null> & { mailboxMs: Quantiles }>;
  gateways: Record<string, Record<string, number | null>>;
}

const sample = () => admin.get<Stats>("/v1/stats");

/** The data of events `stats`, for as long as it is read. */
async function* follow(): AsyncGenerator<Stats> {
  const headers = { ...admin.headers, accept: "text/event-stream" };
  const response = await fetch(`${admin.url}/v1/stats`, { headers });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const events = text.split("\n\n");
    text = events.pop()!;
    for (const event of events) {
      const [, data] = /^event: stats\ndata: (.*)$/.exec(event) ?? [];
      if (data !== undefined) yield JSON.parse(data) as Stats;
    }
  }
}

async function first<T>(all: AsyncIterable<T>, fits: (one: T) => boolean): Promise<T> {
  for await (const one of all) if (fits(one)) return one;
  throw new Error("it ended before");
}

test("an idle cluster has nobody and nothing to measure, which is not the same", async () => {
  const stats = await until("every process to be heard", async () => {
    const { total, cells, gateways, ...rest } = await sample();
    const all = Object.keys(gateways).length === 2 && cells["eu-1"]?.workers === 2;
    return all && cells["eu-1"]!.channels !== null && { ...rest, total, cells, gateways };
  });
  assert.ok(Math.abs(stats.ts - Date.now()) < 60_000);
  assert.deepEqual(Object.keys(stats.gateways), ["g1", "g2"]);
  assert.equal(stats.total.connections, 0);
  assert.equal(stats.total.deliveriesPerS, 0);
  assert.deepEqual(stats.total.publishMs, { p50: null, p99: null });
  assert.deepEqual(stats.cells["eu-1"]!.mailboxMs, { p50: null, p99: null });
  assert.ok(stats.gateways.g1!.rssBytes! > 1_000_000);
  assert.ok(stats.gateways.g1!.cpu! >= 0);
});

const RATES = ["publishesPerS", "deliveriesPerS", "errorsPerS", "refusalsPerS", "bytesInPerS"];

test("what is published, delivered and refused is seen, in rates and delays", async () => {
  const here = await cluster.connect("ada", { gateway: "g1" });
  const there = await cluster.connect("bob", { gateway: "g2" });
  await here.sub("chat.counted");
  await there.sub("chat.counted");
  let going = true;
  const publishing = (async () => {
    while (going) {
      await here.pub("chat.counted", "x".repeat(100));
      await here.refused({ op: "pub", ch: "chat.counted", data: "x".repeat(70_000) }, "too_large");
      await here.refused({ op: "unsub", ch: "chat.other" }, "not_subscribed");
      await pause(10);
    }
  })();
  const seen = await within(
    "a sample with all of it",
    first(
      follow(),
      // Gateways and workers tell at their own times, and the first of them to do so tells its part alone.
      ({ total, gateways, cells }) =>
        total.publishMs.p99 !== null &&
        cells["eu-1"]!.mailboxMs.p99 !== null &&
        RATES.every((name) => total[name]! > 0) &&
        (gateways.g1?.publishesPerS ?? 0) > 0 &&
        (gateways.g2?.deliveriesPerS ?? 0) > 0,
    ),
  );
  going = false;
  await publishing;
  const { total, cells, gateways } = seen;
  assert.equal(total.connections, 2);
  for (const name of RATES) assert.ok(total[name]! > 0, `${name}: ${total[name]}`);
  assert.ok(total.bytesOutPerS! > total.deliveriesPerS! * 100, "each delivery has the data in it");
  for (const { p50, p99 } of [total.publishMs, total.deliverMs, cells["eu-1"]!.mailboxMs])
    assert.ok(p50! > 0 && p99! >= p50! && p99! < 10_000, `${p50} ${p99}`);
  assert.ok(cells["eu-1"]!.publishesPerS! >= cells["eu-1"]!.recordsPerS!);
  assert.ok(gateways.g1!.publishesPerS! > 0);
  assert.equal(gateways.g2!.publishesPerS, 0);
  assert.ok(cells["eu-1"]!.cpu! > 0);
  await until("the channel to be counted", async () => (await sample()).total.channels === 1);
});

test("a gateway that says nothing is not counted, and is again once it does", async () => {
  const g2 = cluster.process("g2");
  g2.kill("SIGSTOP");
  try {
    await until("g2 to be forgotten", async () => !("g2" in (await sample()).gateways));
  } finally {
    g2.kill("SIGCONT");
  }
  await until("g2 to be heard again", async () => "g2" in (await sample()).gateways);
});
