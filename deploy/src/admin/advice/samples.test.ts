import assert from "node:assert/strict";
import { test } from "node:test";
import { type CellEntry, type GatewayLoad, Latencies, type WorkerLoad } from "@plexus/runtime";
import { Collector, History, type Sample } from "./samples.js";

const cell = (id: string, state: CellEntry["state"] = "active"): CellEntry => ({
  id,
  region: id.slice(0, 2),
  state,
  weight: 1,
});

const process = { ms: 1_000, loopLagMs: 2, rssBytes: 1 };

function worker(cell: string, id: string, given: Partial<WorkerLoad> = {}): WorkerLoad {
  const counts = { kind: "worker", id, cell, actors: 10, maxActors: 100, channels: null } as const;
  const none = { records: 0, messages: 0, mailbox: [], append: [] };
  return { ...process, ...counts, ...none, instance: `${cell}-${id}`, cpuMs: 200, ...given };
}

function took(ms: number, count = 1) {
  const latencies = new Latencies();
  latencies.add(ms, count);
  return latencies.take();
}

test("a sample is the mean over a region's workers, and the delays of all of them together", () => {
  const collector = new Collector();
  collector.heard(worker("eu-1", "w1", { cpuMs: 900, append: took(1, 1) }));
  collector.heard(worker("eu-1", "w1", { cpuMs: 700, append: took(1, 98), actors: 30 }));
  collector.heard(worker("eu-2", "w1", { cpuMs: 100, append: took(60, 1), loopLagMs: 8 }));
  collector.heard(worker("us-1", "w1", { cpuMs: 10 }));
  const { regions } = collector.take([cell("eu-1"), cell("eu-2"), cell("us-1")], 4, 77);
  const { cells, values } = regions.get("eu")!;
  assert.deepEqual(cells, [
    { id: "eu-1", workers: 1, channels: 30 },
    { id: "eu-2", workers: 1, channels: 10 },
  ]);
  assert.ok(Math.abs(values.cpu! - 0.45) < 1e-9, "(0.8 + 0.1) / 2");
  assert.ok(Math.abs(values.fill! - 0.2) < 1e-9);
  assert.equal(values.lagMs, 5);
  assert.equal(values.mailboxMs, null);
  assert.ok(values.appendMs! < 1.3, "one of a hundred took longer");
  assert.ok(Math.abs(regions.get("us")!.values.cpu! - 0.01) < 1e-9);
  assert.equal(collector.take([cell("eu-1")], 4, 78).regions.get("eu")!.values.cpu, null, "it begins anew");
});

test("cells that are not active count for nothing, and of a region with a silent cell nothing is known", () => {
  const collector = new Collector();
  const say = () => {
    collector.heard(worker("eu-1", "w1"));
    collector.heard(worker("eu-3", "w1", { cpuMs: 1_000 }));
  };
  say();
  const draining = collector.take([cell("eu-1"), cell("eu-3", "draining")], 4, 0).regions.get("eu")!;
  assert.deepEqual([draining.cells.map(({ id }) => id), draining.values.cpu], [["eu-1"], 0.2]);
  say();
  const silent = collector.take([cell("eu-1"), cell("eu-2")], 4, 0).regions.get("eu")!;
  assert.deepEqual([silent.cells.map(({ workers }) => workers), silent.values.cpu], [[1, 0], null]);
});

test("gateways are one group, and how full they are goes by their bound", () => {
  const collector = new Collector();
  const counts = { publishes: 0, deliveries: 0, errors: 0, refusals: 0, bytesIn: 0, bytesOut: 0 };
  const load: GatewayLoad = {
    ...process,
    ...counts,
    kind: "gateway",
    id: "g1",
    instance: "g1-1",
    cpuMs: 500,
    connections: 40,
    maxConnections: 100,
    publish: [],
    deliver: [],
  };
  collector.heard(load);
  collector.heard({ ...load, instance: "g2-1", connections: 0 });
  const { gateways } = collector.take([], 1, 0);
  assert.deepEqual([gateways.count, gateways.values.cpu, gateways.values.fill], [2, 0.5, 0.2]);
});

test("a history keeps what the windows need, and begins anew with every change of the directory", () => {
  const history = new History(100);
  const at = (time: number, version = 1): Sample => {
    const values = { cpu: null, fill: null, lagMs: null, mailboxMs: null, appendMs: null };
    return { at: time, version, regions: new Map(), gateways: { count: 0, values } };
  };
  for (let time = 0; time <= 1_000; time += 10) history.add(at(time));
  assert.deepEqual([history.samples.length, history.samples[0]!.at], [11, 900]);
  history.add(at(1_010, 2));
  assert.equal(history.samples.length, 1);
});
