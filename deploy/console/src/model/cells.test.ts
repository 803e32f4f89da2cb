import assert from "node:assert/strict";
import { test } from "node:test";
import type { Advice, Cell, Operation, Stats } from "../api-types.js";
import { adviceIn, changeOf, healthOf, mayBeGivenUp, mustWait, shareOfChannels } from "./cells.js";

const eu: Cell = {
  id: "eu-1",
  region: "eu",
  state: "active",
  weight: 1,
  workers: 2,
  missing: [],
  complete: true,
  channels: 30,
  rate: 5,
};
const us: Cell = { ...eu, id: "us-1", region: "us", channels: 10 };
const drain: Operation = {
  id: "drain-1",
  kind: "drain",
  cell: "eu-1",
  state: "running",
  moved: 1,
  total: 9,
  startedAt: 1,
};

function statsWith(p99: number | null): Stats {
  const none = { p50: null, p99: null };
  const total = {
    connections: null,
    channels: null,
    publishesPerS: null,
    deliveriesPerS: null,
    errorsPerS: null,
    refusalsPerS: null,
    bytesInPerS: null,
    bytesOutPerS: null,
    publishMs: none,
    deliverMs: none,
  };
  const cell = {
    workers: 2,
    channels: 30,
    recordsPerS: 5,
    publishesPerS: 5,
    mailboxMs: { p50: null, p99 },
    cpu: 0.1,
  };
  return { ts: 1, total, cells: { "eu-1": cell }, gateways: {} };
}

test("health says what is wrong, and the worst of it", () => {
  const health = (cell: Partial<Cell>, p99: number | null = null, operations: Operation[] = []) =>
    healthOf({ ...eu, ...cell }, statsWith(p99), operations);
  assert.deepEqual(health({}), { level: "good", text: "good" });
  assert.deepEqual(healthOf(eu, null, []), { level: "good", text: "good" }, "without figures");
  assert.deepEqual(health({}, 300), { level: "watch", text: "slow, 300 ms" });
  assert.deepEqual(health({ workers: 1 }), { level: "watch", text: "one worker" });
  const silent = { workers: 1, missing: ["w2"], complete: false };
  assert.deepEqual(health(silent), { level: "watch", text: "1 of 2 workers answer" });
  assert.deepEqual(health({ workers: 0 }, 300), { level: "bad", text: "no worker answers" });
  assert.equal(health({ state: "drained", workers: 0 }).level, "good", "nobody needs it");
  assert.equal(health({ state: "down" }).text, "given up");
  assert.equal(health({}, null, [{ ...drain, state: "parked" }]).text, "an operation is parked");
});

test("a cell is given up that has or is to have channels, while another one is active", () => {
  for (const state of ["active", "joining", "draining"] as const)
    assert.ok(mayBeGivenUp({ ...eu, state }, [eu, us]), state);
  for (const state of ["drained", "down"] as const)
    assert.ok(!mayBeGivenUp({ ...eu, state }, [eu, us]), state);
  assert.ok(!mayBeGivenUp(eu, [eu, { ...us, state: "draining" }]), "nobody would take them");
});

test("what may be done is what the state allows, and never a drain of the last active cell", () => {
  assert.equal(changeOf(eu, [eu, us]), "drain");
  assert.equal(changeOf(eu, [eu, { ...us, state: "drained" }]), null);
  for (const state of ["draining", "drained", "down"] as const)
    assert.equal(changeOf({ ...eu, state }, [us]), "activate");
  assert.equal(changeOf({ ...eu, state: "joining" }, [eu, us]), null);
});

test("one change at a time; a drain may be turned around, and gateways are another matter", () => {
  assert.equal(mustWait(us, "drain", [drain]), true);
  assert.equal(mustWait({ ...eu, state: "draining" }, "activate", [drain]), false);
  assert.equal(mustWait(us, "drain", [{ ...drain, state: "done" }]), false);
  assert.equal(mustWait(us, "drain", [{ ...drain, kind: "gateway-drain" }]), false);
});

test("the share of all channels", () => {
  assert.equal(shareOfChannels(eu, [eu, us]), 0.75);
  assert.equal(shareOfChannels({ ...eu, channels: 0 }, []), 0);
});

test("advice is told as a request, and none is none", () => {
  const none = { reason: "", cooldownMs: 0, historyMs: 0, upMs: 0, downMs: 0, signals: [] };
  const advise = (advice: Partial<Advice>) => adviceIn({ ts: 1, advice: "none", ...none, ...advice });
  assert.equal(advise({}), undefined);
  assert.equal(advise({ advice: "add", region: "eu" }), "Add a cell in eu.");
  const workers = { cell: "eu-1", count: 4 };
  assert.equal(advise({ workers }), "Run 4 workers of eu-1.");
  assert.equal(advise({ advice: "drain", region: "eu", cell: "eu-2" }), "Drain eu-2.");
  assert.equal(advise({ gateways: "add" }), "Add a gateway.");
});
