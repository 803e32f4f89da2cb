import assert from "node:assert/strict";
import { join } from "node:path";
import { mock, type TestContext, test } from "node:test";
import { isAlive } from "@plexus/runtime/testing";
import type { ChildSpec, Exit } from "./child.js";
import { eventually, FIXTURE_PROCESS, temporaryFolder } from "./fixtures/helpers.js";
import { LogFile } from "./log-file.js";
import { SupervisedChild } from "./supervised.js";

function supervise(
  t: TestContext,
  options: {
    env?: Record<string, string>;
    restarts?: boolean;
    command?: string[];
    /** As long as processes are given usually, unless it is the subject. */
    stopPatienceMs?: number;
  } = {},
) {
  const died: { exit: Exit; restartInMs: number | null }[] = [];
  const pids: number[] = [];
  const spec: ChildSpec = {
    kind: "worker",
    id: "eu-1-w1",
    cell: "eu-1",
    command: options.command ?? [process.execPath, FIXTURE_PROCESS],
    env: options.env ?? {},
    opsUrl: null,
    leashed: false,
  };
  const log = new LogFile(join(temporaryFolder(t), "x.log"));
  const child = new SupervisedChild({
    spec,
    log,
    env: {},
    restarts: options.restarts ?? true,
    ...(options.stopPatienceMs === undefined ? {} : { stopPatienceMs: options.stopPatienceMs }),
    events: {
      started: (_, pid) => pids.push(pid),
      died: (_, exit, restartInMs) => died.push({ exit, restartInMs }),
    },
  });
  t.after(() => child.stop());
  return { child, died, pids, saysHello: () => eventually(() => /fixture starts/.test(log.tail(5))) };
}

test("one that is killed is started again, and said so", async (t) => {
  const { child, died, pids, saysHello } = supervise(t);
  await child.start();
  await saysHello();
  child.kill("SIGKILL");
  await eventually(() => pids.length === 2);
  assert.deepEqual(died, [{ exit: { code: null, signal: "SIGKILL" }, restartInMs: 200 }]);
  assert.notEqual(pids[0], pids[1]);
  assert.equal(child.pid, pids[1]);
  assert.ok(isAlive(child.pid));
});

test("one that keeps failing is tried at longer and longer intervals", async (t) => {
  const { child, died } = supervise(t, { env: { FIXTURE: "fails" } });
  await child.start();
  await eventually(() => died.length === 3);
  assert.deepEqual(
    died.map((death) => death.restartInMs),
    [200, 400, 800],
  );
  assert.equal(child.deaths, 3);
  assert.match(child.log.tail(1), /the fixture fails as it was told/);
});

test("one that is stopped stays so", async (t) => {
  const { child, died, pids, saysHello } = supervise(t);
  await child.start();
  await saysHello();
  await child.stop();
  assert.equal(isAlive(child.pid), false);
  assert.deepEqual(await child.exited, { code: 0, signal: null });
  assert.deepEqual([died.length, pids.length], [0, 1]);
});

test("one that is stopped while it is started again has ended when that resolves", async (t) => {
  const { child, died, pids } = supervise(t, { restarts: false });
  await child.start();
  child.kill("SIGKILL");
  await eventually(() => died.length === 1);
  const starting = child.start();
  await child.stop();
  assert.equal(pids.length, 2);
  assert.equal(isAlive(child.pid), false);
  await starting;
});

test("one that ignores SIGTERM is killed after the deadline", async (t) => {
  const { child, saysHello } = supervise(t, { env: { FIXTURE: "deaf" }, stopPatienceMs: 300 });
  await child.start();
  await saysHello();
  await child.stop();
  assert.deepEqual(await child.exited, { code: null, signal: "SIGKILL" });
});

test("one that may take longer to end is waited for until then", async (t) => {
  const withinMs = 120_000;
  const { child, saysHello } = supervise(t, {
    env: { FIXTURE: "deaf", PLEXUS_STOP_WITHIN_MS: String(withinMs) },
    restarts: false,
  });
  await child.start();
  await saysHello();
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const stopped = child.stop();
  mock.timers.tick(withinMs);
  child.kill("SIGUSR2"); // ends it, unless it was killed before
  await stopped;
  assert.deepEqual(await child.exited, { code: null, signal: "SIGUSR2" });
});

test("one that was suspended is stopped all the same", async (t) => {
  const { child, saysHello } = supervise(t);
  await child.start();
  await saysHello();
  child.kill("SIGSTOP");
  await child.stop();
  assert.deepEqual(await child.exited, { code: 0, signal: null });
});

test("without restarts it is for the test to start it again", async (t) => {
  const { child, died, pids } = supervise(t, { restarts: false });
  await child.start();
  child.kill("SIGKILL");
  await eventually(() => died.length === 1);
  assert.equal(died[0]?.restartInMs, null);
  await child.start();
  assert.equal(pids.length, 2);
});

test("a program that does not exist is an error at once", async (t) => {
  const { child } = supervise(t, { command: ["/nonexistent/program"] });
  await assert.rejects(child.start(), /ENOENT/);
});
