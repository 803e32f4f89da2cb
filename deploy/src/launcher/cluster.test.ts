import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, isAlive } from "@plexus/runtime/testing";
import { brokerAnswers } from "./brokers.js";
import { eventually, FIXTURE_PROCESS, temporaryFolder } from "./fixtures/helpers.js";
import { Cluster, type ClusterOptions, readDevFile } from "./index.js";

const FIXTURES = {
  worker: FIXTURE_PROCESS,
  gateway: FIXTURE_PROCESS,
  admin: FIXTURE_PROCESS,
  hooks: FIXTURE_PROCESS,
};

function newCluster(t: TestContext, options: Partial<ClusterOptions> = {}): Cluster {
  const dataDir = options.dataDir ?? temporaryFolder(t);
  const cluster = new Cluster({ quiet: true, workers: 1, entries: FIXTURES, ...options, dataDir });
  t.after(() => cluster.stop());
  return cluster;
}

/** Resolves to the new pid when the process has been started again and is ready. */
function restartOf(cluster: Cluster, id: string): Promise<number> {
  return new Promise((resolve) => {
    cluster.events.on("restart", (restartedId, pid) => restartedId === id && resolve(pid));
  });
}

/** The environment that a fixture said it was started with. */
function environmentOf(dataDir: string, id: string): Record<string, string> {
  const [first] = readFileSync(join(dataDir, "logs", `${id}.log`), "utf8").split("\n");
  return JSON.parse(first ?? "").env;
}

test("a cluster runs, says where, heals, and leaves nothing behind", async (t) => {
  const dataDir = temporaryFolder(t);
  const cluster = newCluster(t, { dataDir });
  const lines: string[] = [];
  cluster.events.on("line", (line) => lines.push(line));
  await cluster.start();

  await t.test("dev.json names every process", () => {
    const dev = readDevFile(dataDir);
    assert.deepEqual(dev, cluster.dev);
    assert.deepEqual(
      dev.processes.map(({ kind, id, cell }) => [kind, id, cell]),
      [
        ["nats", "nats", undefined],
        ["redis", "redis", undefined],
        ["worker", "eu-1-w1", "eu-1"],
        ["worker", "us-1-w1", "us-1"],
        ["admin", "admin", undefined],
        ["hooks", "hooks", undefined],
        ["gateway", "g1", undefined],
        ["gateway", "g2", undefined],
      ],
    );
    assert.ok(dev.processes.every(({ pid }) => isAlive(pid)));
    assert.match(dev.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(dev.adminUrl ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);
  });

  await t.test("each process is told what it needs", () => {
    const { url, natsUrl, redisUrl, tokenSecret } = cluster.dev;
    const worker = environmentOf(dataDir, "us-1-w1");
    assert.equal(worker.PLEXUS_CELL, "us-1");
    assert.equal(worker.PLEXUS_REGION, "us");
    assert.equal(worker.PLEXUS_WORKER_ID, "us-1-w1");
    assert.equal(worker.NATS_URL, natsUrl);
    assert.equal(worker.REDIS_URL, redisUrl);
    assert.equal(worker.PLEXUS_EXIT_WITH_STDIN, "1");
    assert.equal(worker.PLEXUS_TOKEN_SECRET, undefined);
    const gateway = environmentOf(dataDir, "g2");
    assert.equal(gateway.PLEXUS_GATEWAY_ID, "g2");
    assert.equal(`http://${gateway.PLEXUS_HOST}:${gateway.PLEXUS_PORT}`, url);
    assert.equal(gateway.PLEXUS_TOKEN_SECRET, tokenSecret);
    assert.equal(gateway.PLEXUS_DEMO, "true");
    assert.equal(gateway.REDIS_URL, undefined);
    assert.equal(gateway.NODE_TEST_CONTEXT, undefined);
  });

  await t.test("the brokers serve, and are back on the same address after a kill", async () => {
    const { natsUrl, redisUrl } = cluster.dev;
    for (const [id, url] of [
      ["nats", natsUrl],
      ["redis", redisUrl],
    ] as const) {
      await eventually(() => brokerAnswers(id, url));
      const restarted = restartOf(cluster, id);
      const { exited } = cluster.process(id);
      cluster.process(id).kill("SIGKILL");
      assert.deepEqual(await exited, { code: null, signal: "SIGKILL" });
      await restarted;
      await eventually(() => brokerAnswers(id, url));
    }
  });

  await t.test("a process that dies is started again, and dev.json follows", async () => {
    const { pid } = cluster.process("g1");
    const restarted = restartOf(cluster, "g1");
    cluster.process("g1").kill("SIGKILL");
    const newPid = await restarted;
    assert.notEqual(newPid, pid);
    assert.equal(readDevFile(dataDir).processes.find((p) => p.id === "g1")?.pid, newPid);
    assert.ok(lines.includes("gateway g1 was ended by SIGKILL, starts again in 0.2 s"), lines.join("\n"));
    assert.ok(lines.includes(`gateway g1 is back, pid ${newPid}`), lines.join("\n"));
  });

  await t.test("workers can be added, of a cell that runs and of a new one", async () => {
    const added = [...(await cluster.addWorkers("us-1", 1)), ...(await cluster.addWorkers("us-2", 2))];
    assert.deepEqual(
      added.map(({ id, cell }) => [id, cell]),
      [
        ["us-1-w2", "us-1"],
        ["us-2-w1", "us-2"],
        ["us-2-w2", "us-2"],
      ],
    );
    assert.ok(added.every(({ pid }) => isAlive(pid)));
    assert.equal(environmentOf(dataDir, "us-2-w2").PLEXUS_REGION, "us");
    assert.deepEqual(readDevFile(dataDir), cluster.dev);
  });

  await t.test("a second launcher on the same folder is refused", async () => {
    await assert.rejects(newCluster(t, { dataDir }).start(), /Another launcher/);
    assert.ok(existsSync(join(dataDir, "dev.json")));
  });

  await t.test("stop ends everything", async () => {
    const pids = cluster.processes.map(({ pid }) => pid);
    await cluster.stop();
    assert.deepEqual(pids.filter(isAlive), []);
    const left = readdirSync(dataDir).sort();
    assert.deepEqual(left, ["bots.conf", "logs", "nats", "nats.conf", "redis", "redis.conf", "secrets.json"]);
  });
});

test("a process that cannot start fails the start, with its last words, and the rest is stopped", async (t) => {
  const dataDir = temporaryFolder(t);
  const cluster = newCluster(t, { dataDir, workerEnv: { FIXTURE: "fails" } });
  await assert.rejects(
    cluster.start(),
    /worker (eu|us)-1-w1 did not start: it ended with exit code 3[\s\S]*as it was told/,
  );
  assert.deepEqual(cluster.processes.map(({ pid }) => pid).filter(isAlive), []);
  assert.equal(existsSync(join(dataDir, "launcher.lock")), false);
});

test("a process that ends while it is started again, and stays down, is an error with its last words", async (t) => {
  const cluster = newCluster(t, { cells: ["eu-1"], restart: false });
  await cluster.start();
  const redis = cluster.process("redis");
  redis.kill("SIGKILL");
  await redis.exited;
  const stranger = createServer((socket) => socket.destroy());
  t.after(() => stranger.close());
  stranger.listen(Number(new URL(cluster.dev.redisUrl).port), "127.0.0.1");
  await once(stranger, "listening");
  const failure = { name: "ClusterError", message: /redis has ended[\s\S]*Address already in use/ };
  await assert.rejects(redis.start(), failure);
  await assert.rejects(redis.ready(), failure);
  stranger.close();
  await redis.start();
});

test("a client port on which somebody listens is one clear error", async (t) => {
  const stranger = createServer().listen(0, "127.0.0.1");
  await once(stranger, "listening");
  t.after(() => stranger.close());
  const { port } = stranger.address() as { port: number };
  await assert.rejects(newCluster(t, { port }).start(), new RegExp(`Port ${port} on 127.0.0.1 is taken`));
});

test("given brokers are used, and neither started nor stopped", async (t) => {
  const provider = newCluster(t, { cells: ["eu-1"], gateways: 1 });
  await provider.start();
  const { natsUrl, redisUrl } = provider.dev;
  const cluster = newCluster(t, {
    natsUrl,
    redisUrl,
    entries: { ...FIXTURES, admin: "/nonexistent", hooks: "/nonexistent" },
  });
  await cluster.start();
  assert.deepEqual(
    cluster.processes.map(({ id }) => id),
    ["eu-1-w1", "us-1-w1", "g1", "g2"],
  );
  assert.equal(cluster.dev.natsUrl, natsUrl);
  assert.equal(cluster.dev.redisUrl, redisUrl);
  assert.equal(cluster.dev.adminUrl, null);
  await cluster.stop();
  await eventually(() => brokerAnswers("nats", natsUrl));
  await eventually(() => brokerAnswers("redis", redisUrl));
});

test("stopped while it starts, it leaves nothing behind", async (t) => {
  const dataDir = temporaryFolder(t);
  const cluster = newCluster(t, { dataDir });
  const started = assert.rejects(cluster.start(), /the cluster was stopped/);
  await eventually(() => cluster.processes.some(({ pid }) => pid !== 0));
  await cluster.stop();
  await started;
  assert.deepEqual(
    cluster.processes.map(({ pid }) => pid).filter((pid) => pid !== 0 && isAlive(pid)),
    [],
  );
  assert.equal(existsSync(join(dataDir, "launcher.lock")), false);
});

test("brokers that do not answer are named", { timeout: 30_000 }, async (t) => {
  const port = await freePort();
  const cluster = newCluster(t, {
    natsUrl: `nats://user:hidden@127.0.0.1:${port}`,
    redisUrl: "redis://127.0.0.1:1",
  });
  await assert.rejects(cluster.start(), new RegExp(`127.0.0.1:${port} does not answer. NATS_URL names it`));
});

test("a launcher that is killed takes everything with it", async (t) => {
  const script = fileURLToPath(new URL("fixtures/launcher.js", import.meta.url));
  const dataDir = temporaryFolder(t);
  const launcher = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => launcher.kill("SIGKILL"));
  const [line] = await once(createInterface(launcher.stdout), "line");
  const pids: number[] = JSON.parse(line);
  assert.equal(pids.length, 4);
  assert.ok(pids.every(isAlive));
  launcher.kill("SIGKILL");
  await eventually(() => !pids.some(isAlive));
  const next = newCluster(t, { dataDir });
  await next.start();
});
