/** A game day in a real installation: faults, a checked stream through all of them, and every way to stop it. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { processState, untilQuick } from "@plexus/runtime/testing";
import { Admin, type CliRun, cli, type Json, startCli } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

const state = mkdtempSync(join(tmpdir(), "plexus-game-day-"));
process.env.XDG_STATE_HOME = state;
after(() => rmSync(state, { recursive: true, force: true }));

const cluster = clusterForFile({ admin: true, cells: ["eu-1", "us-1"], workers: 2, gateways: 2 }, () =>
  settled(),
);
const admin = new Admin(cluster);

/** A game day first looks at everything, and at what is steady; on a busy machine that takes longer than most waits. */
const FROZEN_WITHIN_MS = 60_000;

async function settled(): Promise<void> {
  await until("both cells to be active, and nothing to be under way", async () => {
    const { cells, operation } = await admin.get<{ cells: Json[]; operation?: Json }>("/v1/cells");
    return operation === undefined && cells.length === 2 && cells.every(({ state }) => state === "active");
  });
}

type Ended = Awaited<CliRun["ended"]>;

interface Step {
  fault: string;
  target: string | null;
  tookMs: number | null;
  held: boolean;
}

interface Report {
  ok: boolean;
  stopped: string | null;
  steps: Step[];
  verdict: Record<string, number>;
}

const name = () => new URL(cluster.dev.adminUrl!).host;
/** Quick, and patient with a busy machine. */
const begin = (...more: string[]) => [
  "game-day",
  "--installation",
  name(),
  "--steady",
  "1s",
  "--rest",
  "1s",
  ...more,
];

function frozen(): string[] {
  return cluster.dev.processes.filter(({ pid }) => processState(pid) === "T").map(({ id }) => id);
}

/** How it ended, once its state was steady enough for it to begin: that of a busy machine may not be. */
async function held(...args: string[]): Promise<Ended> {
  let ended!: Ended;
  await untilQuick("a steady state", async () => {
    await settled();
    ended = await cli(cluster, ...args);
    return !neverBegan(ended);
  });
  return ended;
}

/** One that goes on, from when what it does is seen. */
async function underWay(
  what: string,
  seen: () => boolean | Promise<boolean>,
  ...args: string[]
): Promise<CliRun> {
  let run!: CliRun;
  await untilQuick("a steady state", async () => {
    await settled();
    run = startCli(cluster, ...args);
    let ended: Ended | undefined;
    void run.ended.then((end) => {
      ended = end;
    });
    await until(what, async () => ended !== undefined || (await seen()), FROZEN_WITHIN_MS);
    assert.ok(ended === undefined || neverBegan(ended), `it ended: ${JSON.stringify(ended)}`);
    return ended === undefined;
  });
  return run;
}

/** A message that is lost, shown twice or out of order is no question of the machine. */
function neverBegan({ out, err }: Ended): boolean {
  if (/its state is not steady: (?!the guarantees do not hold)/.test(err)) return true;
  const { stopped = null, steps = [], verdict = {} } = JSON.parse(out || "{}") as Partial<Report>;
  const { lost = 0, duplicated = 0, misplaced = 0 } = verdict;
  return stopped !== null && steps.length === 0 && lost + duplicated + misplaced === 0;
}

test("without its name nothing is done, and what would be is said", async () => {
  const shown = await cli(cluster, "game-day");
  assert.equal(shown.code, 2);
  assert.match(shown.out, new RegExp(`at ${name()}[\\s\\S]*worker-kill .*expected`));
  const wrong = await cli(cluster, "game-day", "--installation", "production:9080");
  assert.equal(wrong.code, 4);
  assert.match(wrong.err, /Nothing was done/);
  assert.equal((await cli(cluster, "game-day", "--faults", "earthquake")).code, 2);
  assert.equal((await cli(cluster, "game-day", "--faults", "worker-pod")).code, 2);
  assert.equal((await cli(cluster, "game-day", "stop")).code, 5);
});

test("killed, frozen, drained, disconnected: every message arrives once and in order", async () => {
  const report = join(state, "report");
  const faults = "worker-kill,gateway-freeze,cell-drain,user-disconnect";
  const args = begin("--faults", faults, "--hold", "2s", "--max-pause", "60s", "--report", report, "--json");
  const { code, out, err } = await held(...args);
  const { steps, verdict, stopped, ok } = JSON.parse(out || "{}") as Report;
  assert.equal(stopped, null, err);
  assert.deepEqual(
    steps.map(({ fault }) => fault),
    faults.split(","),
  );
  for (const { fault, target, tookMs } of steps)
    assert.ok(target !== null && tookMs !== null, `${fault}: ${err}`);
  const { published, acknowledged, delivered, lost, duplicated, misplaced, unrecovered } = verdict;
  assert.deepEqual([lost, duplicated, misplaced, unrecovered], [0, 0, 0, 0]);
  assert.ok(
    published! > 100 && acknowledged === published && delivered === 4 * published!,
    JSON.stringify(verdict),
  );
  // How long a pause is allowed to be depends on the machine; that the exit code says so does not.
  assert.equal(
    ok,
    steps.every(({ held }) => held),
  );
  assert.equal(code, ok ? 0 : 1);
  assert.match(
    readFileSync(`${report}.md`, "utf8"),
    /^# Game day at [\s\S]*\| worker-kill: a worker is killed \|/,
  );
  assert.equal((JSON.parse(readFileSync(`${report}.json`, "utf8")) as Report).steps.length, 4);
  await settled();
});

test("a message that waits too long ends it, and what was frozen goes on", async () => {
  const args = begin("--faults", "nats-freeze,worker-kill", "--hold", "60s", "--max-pause", "3s", "--json");
  const { code, out, err } = await held(...args);
  const { steps, stopped, verdict } = JSON.parse(out || "{}") as Report;
  assert.equal(code, 1, err);
  assert.match(stopped ?? "", /a message has waited/);
  assert.deepEqual(
    steps.map(({ fault, held }) => [fault, held]),
    [["nats-freeze", false]],
  );
  assert.deepEqual([verdict.lost, verdict.duplicated, verdict.misplaced], [0, 0, 0]);
  assert.deepEqual(frozen(), []);
});

test("the stop button in another terminal undoes everything at once", async () => {
  const args = begin("--faults", "worker-freeze", "--hold", "10m", "--max-pause", "10m", "--json");
  const { ended } = await underWay("a worker to be frozen", () => frozen().length === 1, ...args);
  const second = await cli(cluster, ...begin());
  assert.equal(second.code, 4, second.err);
  assert.match(second.err, /under way/);
  const stopped = await cli(cluster, "game-day", "stop");
  assert.equal(stopped.code, 0, stopped.err);
  assert.match(stopped.out, /undone: .*-w/);
  assert.deepEqual(frozen(), []);
  const { code, out } = await ended;
  assert.equal(code, 130);
  assert.equal((JSON.parse(out) as Report).stopped, "interrupted");
});

test("what a killed game day has left is thawed by itself, and activated by the stop button", async () => {
  const freezes = begin("--faults", "worker-freeze", "--hold", "10m", "--max-pause", "10m", "--json");
  const freezing = await underWay("a worker to be frozen", () => frozen().length === 1, ...freezes);
  freezing.child.kill("SIGKILL");
  await until("it to go on", () => frozen().length === 0);
  await freezing.ended;
  assert.equal((await cli(cluster, "game-day", "stop")).code, 0);
  const cells = async () => (await admin.get<{ cells: Json[] }>("/v1/cells")).cells;
  const isDrained = async () => (await cells()).some((cell) => cell.state === "drained");
  const drains = begin("--faults", "cell-drain", "--hold", "10m", "--json");
  const draining = await underWay("a cell to be drained", isDrained, ...drains);
  draining.child.kill("SIGKILL");
  await draining.ended;
  const next = await cli(cluster, ...begin());
  assert.equal(next.code, 4);
  assert.match(next.err, /not undone/);
  assert.equal((await cli(cluster, "game-day", "stop")).code, 0);
  await settled();
});

test("pods are deleted with kubectl, in the namespace that was named", async () => {
  const calls = join(state, "calls");
  const kubectl = join(state, "kubectl");
  writeFileSync(
    kubectl,
    `#!/bin/sh\necho "$*" >> "${calls}"\ncase "$*" in *get*) echo pod/plexus-gateway-abc;; esac\n`,
  );
  chmodSync(kubectl, 0o700);
  const path = process.env.PATH;
  process.env.PATH = `${state}${delimiter}${path}`;
  const args = begin("--faults", "gateway-pod", "--kubectl", "chat", "--hold", "1s", "--json");
  const { out, err } = await held(...args);
  process.env.PATH = path;
  const { steps } = JSON.parse(out || "{}") as Report;
  assert.equal(steps?.[0]?.target, "pod/plexus-gateway-abc", err);
  const label = "app.kubernetes.io/part-of=plexus,app.kubernetes.io/component=gateway";
  assert.deepEqual(readFileSync(calls, "utf8").trim().split("\n"), [
    `--namespace chat get pods -l ${label} -o name`,
    "--namespace chat delete pod/plexus-gateway-abc --wait=false",
  ]);
});
