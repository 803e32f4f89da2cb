/** What the admin API decides without asking anybody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRORS, PlexusError } from "@plexus/protocol";
import type { GatewayStatus, Operation } from "@plexus/runtime";
import { byGateway } from "./channels.js";
import { errorAnswer, toPlexusError } from "./errors.js";
import { assertMayDrain } from "./gateways.js";
import { viewOf } from "./operations.js";
import { revocationOf } from "./tokens.js";

function gateway(id: string, draining = false): GatewayStatus {
  return { id, instance: `${id}-1`, connections: 0, channels: 0, draining, operation: null, startedAt: 0 };
}

function heard(answers: GatewayStatus[], missing: string[] = []) {
  return { answers, missing };
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof PlexusError) return error.code;
    throw error;
  }
  return "ok";
}

test("a gateway is drained while another accepts its clients", () => {
  assert.equal(
    codeOf(() => assertMayDrain("g1", heard([gateway("g1"), gateway("g2")]), false)),
    "ok",
  );
  assert.equal(
    codeOf(() => assertMayDrain("g3", heard([gateway("g1"), gateway("g2")]), false)),
    "not_found",
  );
  assert.equal(
    codeOf(() => assertMayDrain("g1", heard([gateway("g1")]), false)),
    "conflict",
  );
  assert.equal(
    codeOf(() => assertMayDrain("g1", heard([gateway("g1"), gateway("g2", true)]), false)),
    "conflict",
  );
  assert.equal(
    codeOf(() => assertMayDrain("g1", heard([gateway("g1")]), true)),
    "ok",
  );
});

test("a gateway that is known but does not answer may be asked again soon: it is not said to be none", () => {
  assert.equal(
    codeOf(() => assertMayDrain("g1", heard([gateway("g2")], ["g1"]), false)),
    "unavailable",
  );
  assert.equal(
    codeOf(() => assertMayDrain("g3", heard([gateway("g2")], ["g1"]), false)),
    "not_found",
  );
});

test("a gateway that is draining already may be asked again", () => {
  assert.equal(
    codeOf(() => assertMayDrain("g1", heard([gateway("g1", true)]), false)),
    "ok",
  );
});

test("two runs of one gateway count as one gateway", () => {
  const answers = [
    { id: "g2", instance: "g2-1", subscribers: 1 },
    { id: "g1", instance: "g1-1", subscribers: 2 },
    { id: "g1", instance: "g1-2", subscribers: 3 },
  ];
  assert.deepEqual(Object.entries(byGateway(answers)), [
    ["g1", 5],
    ["g2", 1],
  ]);
});

test("tokens are revoked by user or by id, and by one of them", () => {
  const of = (body: Parameters<typeof revocationOf>[0]) => revocationOf(body, 1_000, 60_000);
  const user = { tenant: "demo", user: "alice", before: 1_000, until: 61_000 };
  assert.deepEqual(of({ tenant: "demo", user: "alice" }), user);
  assert.deepEqual(of({ jti: "x", lifetimeMs: 500 }), { tenant: null, jti: "x", until: 1_500 });
  assert.deepEqual(of({ jti: "x", tenant: "demo" }), { tenant: "demo", jti: "x", until: 61_000 });
  for (const body of [{}, { user: "alice" }, { tenant: "demo" }, { tenant: "demo", user: "alice", jti: "x" }])
    assert.equal(
      codeOf(() => of(body)),
      "bad_request",
    );
});

test("an operation's progress is the sum over those who carry it out", () => {
  const operation: Operation = {
    id: "weight-1",
    kind: "weight",
    cell: "eu-1",
    state: "running",
    version: 3,
    startedAt: 5,
    progress: { "eu-1": { moved: 1, total: 4, done: false }, "us-1": { moved: 2, total: 2, done: true } },
  };
  const view = { id: "weight-1", kind: "weight", state: "running", moved: 3, total: 6, startedAt: 5 };
  assert.deepEqual(viewOf(operation), { ...view, cell: "eu-1" });
  const drain = viewOf({ ...operation, kind: "gateway-drain", cell: "g1" });
  assert.deepEqual(drain, { ...view, kind: "gateway-drain", gateway: "g1" });
  assert.equal(viewOf({ ...operation, kind: "pin", cell: "demo" }).tenant, "demo");
});

test("whatever is thrown becomes an answer of the catalogue, and a defect says nothing of itself", () => {
  for (const [code, { status }] of Object.entries(ERRORS)) {
    const error = new PlexusError(code as keyof typeof ERRORS, "so it is", { retry: 5 });
    const body = { error: { code, message: "so it is", retry: 5 } };
    assert.deepEqual(errorAnswer(toPlexusError(error)!), { status, body });
  }
  const bus = Object.assign(new Error("timeout"), { name: "TimeoutError" });
  assert.equal(toPlexusError(bus)?.code, "unavailable");
  assert.equal(toPlexusError(Object.assign(new Error("body"), { statusCode: 400 }))?.code, "bad_request");
  assert.equal(toPlexusError(new TypeError("undefined is no function")), undefined);
});
