/** `plexus load` against a small installation: what it reports, what it refuses, and how it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Admin, cli, startCli } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

const cluster = clusterForFile({ admin: true, gateways: 2 });
const admin = new Admin(cluster);

const SMALL = ["--connections", "12", "--channels", "4", "--channels-per-connection", "2", "--rate", "40"];

interface Step {
  factor: number;
  wanted: { connections: number };
  connections: number;
  due: number;
  acknowledgedPerSecond: number;
  ackMs: { count: number };
  deliverMs: { count: number };
  errors: Record<string, number>;
  violations: Record<string, number>;
  joined: number;
  presenceEvents: number;
}

interface Report {
  ok: boolean;
  stopped: string | null;
  steps: Step[];
  bottleneck: { reached: boolean; signal: { part: string; says: string } };
}

/** Limits that a busy machine does not reach. */
const PATIENT = ["--max-p99", "60000", "--max-errors", "1"];

test("every message of every step is acknowledged, delivered once and in order", async () => {
  const args = [
    "--steps",
    "1,2",
    "--seconds",
    "2",
    "--churn",
    "3",
    "--presence-share",
    "1",
    "--json",
    ...PATIENT,
  ];
  const { code, out, err } = await cli(cluster, "load", ...SMALL, ...args);
  const report = JSON.parse(out) as Report;
  assert.equal(code, 0, err + out);
  assert.deepEqual(
    report.steps.map(({ factor, wanted }) => [factor, wanted.connections]),
    [
      [1, 12],
      [2, 24],
    ],
  );
  for (const step of report.steps) {
    const { violations, due, ackMs, deliverMs, errors, joined, presenceEvents } = step;
    // Those that are just being replaced at the end are not there: of 3 a second, over 2 s.
    const missing = step.wanted.connections - step.connections;
    assert.ok(missing >= 0 && missing <= 6 * step.factor, `${missing} of ${step.wanted.connections} missing`);
    assert.deepEqual(violations, { lost: 0, duplicated: 0, misplaced: 0 });
    assert.ok(due >= 40, `${due} due`);
    const gone = due - ackMs.count - Object.values(errors).reduce((sum, count) => sum + count, 0);
    assert.ok(
      gone <= joined * 8,
      `${gone} publishes have no answer; those of ${joined} that left may have none`,
    );
    assert.ok(deliverMs.count > ackMs.count * 3, "six members each");
    assert.ok(joined > 0 && presenceEvents > 0);
  }
  assert.ok(report.bottleneck.signal.says.length > 0);
});

test("for a person it is a table, and sources publish to a channel of their own", async () => {
  const load = ["--connections", "2", "--channels", "8", "--sources", "8", "--rate", "40", "--bytes", "2000"];
  const { code, out } = await cli(
    cluster,
    "load",
    "acme",
    ...load,
    "--steps",
    "1",
    "--seconds",
    "1",
    ...PATIENT,
  );
  assert.equal(code, 0, out);
  assert.match(out, /^×1 +10\/10 /m);
  assert.match(out, /bottleneck, in step ×1: \w+: .*\n {2}what to do: |nearest in step ×1 is /);
});

test("a tenant's quota is named as what gave in", async () => {
  const set = await cli(cluster, "tenant", "set", "small", "quotas.messagesInPerSecond=5");
  assert.equal(set.code, 0, set.err);
  const args = ["--rate", "100", "--steps", "1,2", "--seconds", "4", "--max-errors", "0.3", "--json"];
  const { code, out } = await cli(cluster, "load", "small", ...SMALL.slice(0, -2), ...args);
  const report = JSON.parse(out) as Report;
  assert.equal(code, 1);
  assert.match(report.stopped ?? "", /errors/);
  assert.ok((report.steps[0]?.errors.rate_limited ?? 0) > 0, JSON.stringify(report.steps[0]?.errors));
  assert.equal(report.steps.length, 1, "there is no point in a second step");
  assert.ok(["quota", "generator"].includes(report.bottleneck.signal.part), report.bottleneck.signal.says);
});

test("an installation elsewhere is not driven by accident, and a bad workload is not driven at all", async () => {
  const elsewhere = await cli(cluster, "load", ...SMALL, "--url", "ws://192.0.2.1:8080");
  assert.equal(elsewhere.code, 4);
  assert.match(elsewhere.err, /not on this machine[\s\S]*--yes-i-own-this-installation/);
  const bad = await cli(cluster, "load", ...SMALL, "--channels", "1");
  assert.equal(bad.code, 2);
  assert.match(bad.err, /channelsPerConnection: there are not so many channels/);
});

test("Ctrl-C ends it with the report so far, and its connections are gone", async () => {
  const { child, ended } = startCli(cluster, "load", ...SMALL, "--seconds", "600", "--json", ...PATIENT);
  const connections = async () => {
    const { gateways } = await admin.get<{ gateways: Array<{ connections: number }> }>("/v1/gateways");
    return gateways.reduce((sum, gateway) => sum + gateway.connections, 0);
  };
  await until("all connections of the load", async () => (await connections()) >= 12);
  child.kill("SIGINT");
  const { code, out } = await ended;
  assert.equal(code, 130);
  assert.equal((JSON.parse(out) as Report).stopped, "interrupted");
  await until("no connection to be left", async () => (await connections()) === 0);
});
