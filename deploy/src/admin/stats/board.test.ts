import assert from "node:assert/strict";
import { test } from "node:test";
import { type GatewayLoad, Latencies, type LatencyCounts, type WorkerLoad } from "@plexus/runtime";
import { LoadBoard } from "./board.js";

function took(ms: number, count = 1): LatencyCounts {
  const latencies = new Latencies();
  latencies.add(ms, count);
  return latencies.take();
}

function gateway(id: string, given: Partial<GatewayLoad> = {}): GatewayLoad {
  return {
    kind: "gateway",
    id,
    instance: `${id}-1`,
    ms: 1_000,
    cpuMs: 250,
    loopLagMs: 0.5,
    rssBytes: 1_000,
    connections: 10,
    maxConnections: 100,
    publishes: 5,
    deliveries: 50,
    errors: 1,
    refusals: 2,
    bytesIn: 100,
    bytesOut: 900,
    publish: [],
    deliver: [],
    ...given,
  };
}

function worker(id: string, cell: string, given: Partial<WorkerLoad> = {}): WorkerLoad {
  return {
    kind: "worker",
    id,
    cell,
    instance: `${id}-1`,
    ms: 1_000,
    cpuMs: 400,
    loopLagMs: 1,
    rssBytes: 1_000,
    actors: 3,
    maxActors: 100,
    channels: null,
    records: 4,
    messages: 8,
    mailbox: [],
    append: [],
    ...given,
  };
}

test("where nobody was heard, everything is null, and the cells of the directory are there", () => {
  const { total, cells, gateways } = new LoadBoard().sample([{ id: "eu-1", left: 0 }], 0, 7);
  const nothing = { p50: null, p99: null };
  const { publishMs, deliverMs, ...counts } = total;
  assert.deepEqual([publishMs, deliverMs], [nothing, nothing]);
  assert.ok(Object.values(counts).every((value) => value === null));
  const { workers, mailboxMs, ...ofCell } = cells["eu-1"]!;
  assert.deepEqual([workers, mailboxMs], [0, nothing]);
  assert.ok(Object.values(ofCell).every((value) => value === null));
  assert.deepEqual(gateways, {});
});

test("who is idle says 0, and has no delays", () => {
  const board = new LoadBoard();
  board.heard(gateway("g1", { publishes: 0, deliveries: 0, errors: 0 }), 0);
  const { total, gateways } = board.sample([], 10, 7);
  assert.deepEqual([total.deliveriesPerS, total.errorsPerS, gateways.g1!.publishesPerS], [0, 0, 0]);
  assert.equal(total.publishMs.p99, null);
  assert.equal(total.publishesPerS, null, "messages are stored by workers, of which none was heard");
});

test("each process counts over its own interval", () => {
  const board = new LoadBoard();
  board.heard(gateway("g1", { ms: 1_000, deliveries: 50, cpuMs: 420 }), 0);
  board.heard(gateway("g2", { ms: 2_000, deliveries: 50, cpuMs: 420 }), 0);
  const { total, gateways } = board.sample([], 10, 7);
  assert.equal(total.connections, 20);
  assert.equal(total.deliveriesPerS, 75);
  assert.equal(total.bytesOutPerS, 1_350);
  assert.deepEqual([gateways.g1!.cpu, gateways.g2!.cpu], [0.42, 0.21]);
});

test("a delay of all is one over all that happened, not a mean of means", () => {
  const board = new LoadBoard();
  board.heard(gateway("busy", { publish: took(1, 990) }), 0);
  board.heard(gateway("slow", { publish: took(100, 5) }), 0);
  assert.ok(board.sample([], 0, 0).total.publishMs.p99! < 1.3);
  board.heard(gateway("slow", { publish: took(100, 50) }), 0);
  assert.ok(board.sample([], 0, 0).total.publishMs.p99! >= 100);
  assert.ok(board.sample([], 0, 0).total.publishMs.p50! < 1.3);
});

test("a cell is what its workers are together; channels are counted by one, and those on their way are there", () => {
  const board = new LoadBoard();
  board.heard(worker("w1", "eu-1", { channels: 30, mailbox: took(2) }), 0);
  board.heard(worker("w2", "eu-1", { mailbox: took(40) }), 0);
  board.heard(worker("w3", "us-1"), 0);
  const { cells, total } = board.sample([{ id: "eu-1", left: 12 }], 0, 0);
  const { mailboxMs, ...eu } = cells["eu-1"]!;
  assert.deepEqual(eu, { workers: 2, channels: 42, recordsPerS: 8, publishesPerS: 16, cpu: 0.8 });
  assert.ok(mailboxMs.p99! >= 40 && mailboxMs.p50! < 3);
  assert.equal(cells["us-1"]!.channels, null, "nobody has counted them yet");
  assert.deepEqual([total.channels, total.publishesPerS], [42, 24]);
});

test("who is silent is forgotten, and comes back", () => {
  const board = new LoadBoard();
  board.heard(gateway("g1"), 0);
  board.heard(gateway("g2"), 3_000);
  assert.deepEqual(Object.keys(board.sample([], 3_400, 0).gateways), ["g1", "g2"]);
  assert.deepEqual(Object.keys(board.sample([], 4_000, 0).gateways), ["g2"]);
  board.heard(gateway("g1"), 4_100);
  assert.deepEqual(Object.keys(board.sample([], 4_200, 0).gateways), ["g1", "g2"]);
});

test("two runs of one gateway are one gateway while both are there", () => {
  const board = new LoadBoard();
  board.heard(gateway("g1"), 0);
  board.heard(gateway("g1", { instance: "g1-2", connections: 3 }), 0);
  assert.equal(board.sample([], 0, 0).gateways.g1!.connections, 13);
});

test("what a later version says of itself is left alone", () => {
  const board = new LoadBoard();
  board.heard({ ...gateway("g1"), kind: "sidecar" } as unknown as GatewayLoad, 0);
  assert.equal(board.sample([], 0, 0).total.connections, null);
});
