/** What operators rely on: health, readiness and metrics of every process, and logs that hold no secrets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { get, readMetrics } from "./harness/http.js";
import { until } from "./harness/wait.js";

const CANARY = "canary-body-7f3a";

const cluster = clusterForFile({
  admin: true,
  hooks: true,
  gateways: 2,
  workers: 2,
  cells: ["eu-1", "us-1"],
  env: { PLEXUS_LOG_LEVEL: "trace" },
});

/** All but the brokers. */
const processes = () => cluster.cluster.processes.filter(({ opsUrl }) => opsUrl !== null);

async function readiness(id: string): Promise<{ status: number; checks: Record<string, string> }> {
  const { status, body } = await get(`${cluster.process(id).opsUrl}/readyz`);
  return { status, checks: JSON.parse(body).checks };
}

/** Once it is ready: one whose check took too long for once is not, for a moment. */
function ready(id: string): ReturnType<typeof readiness> {
  return until(`${id} to be ready`, async () => {
    const answer = await readiness(id);
    return answer.status === 200 && answer;
  });
}

test("every process is healthy, ready, and shows metrics", async () => {
  assert.deepEqual(
    processes()
      .map(({ id }) => id)
      .filter((id) => id !== "admin"),
    ["eu-1-w1", "eu-1-w2", "us-1-w1", "us-1-w2", "hooks", "g1", "g2"],
  );
  for (const { id, kind, opsUrl } of processes()) {
    const health = await get(`${opsUrl}/healthz`);
    assert.deepEqual([health.status, JSON.parse(health.body)], [200, { status: "ok" }], id);
    const { checks } = await ready(id);
    assert.equal(checks.nats, "ok", id);
    if (kind === "worker") assert.equal(checks.redis, "ok", id);
    if (kind === "gateway") assert.equal(checks.cells, "ok", id);
    const metrics = await get(`${opsUrl}/metrics`);
    assert.equal(metrics.status, 200);
    assert.match(metrics.type, /^text\/plain/);
    assert.equal((await get(`${opsUrl}/elsewhere`)).status, 404);
  }
});

test("metrics count what happens", async () => {
  const client = await cluster.connect("ada", { gateway: "g1" });
  const ch = "chat.counted";
  const before = await cluster.metrics("g1");
  await client.sub(ch);
  for (let i = 0; i < 5; i++) await client.pub(ch, i);
  await until("the messages", () => client.channel(ch).received.length === 5);
  const after = await cluster.metrics("g1");
  const grown = (name: string) => after.sum(name) - before.sum(name);
  assert.ok(after.sum("plexus_connections") >= 1);
  assert.equal(grown("plexus_frames_in_total"), 6);
  assert.equal(grown("plexus_deliveries_total"), 5);
  const { worker } = await cluster.ownerOf(ch);
  const stored = await cluster.metrics(worker);
  assert.ok(stored.sum("plexus_stored_messages_total") >= 5);
  for (const { id, opsUrl } of processes())
    for (const name of (await readMetrics(opsUrl!)).names) assert.match(name, /^plexus_/, `${id}: ${name}`);
});

test("without NATS nobody is ready, and everybody is alive; afterwards all are ready again", async () => {
  const nats = cluster.process("nats");
  nats.kill("SIGSTOP");
  try {
    for (const { id } of processes()) {
      await until(`${id} not to be ready, and to name what is missing`, async () => {
        const { status, checks } = await readiness(id);
        return status === 503 && checks.nats !== "ok";
      });
      assert.equal((await get(`${cluster.process(id).opsUrl}/healthz`)).status, 200);
    }
  } finally {
    nats.kill("SIGCONT");
  }
  for (const { id } of processes()) await ready(id);
});

test("without Redis workers are not ready, gateways are", async () => {
  const redis = cluster.process("redis");
  redis.kill("SIGSTOP");
  try {
    const worker = "eu-1-w1";
    await until("the worker not to be ready, for want of Redis", async () => {
      const { status, checks } = await readiness(worker);
      return status === 503 && checks.redis !== "ok";
    });
    await ready("g1");
  } finally {
    redis.kill("SIGCONT");
  }
  await ready("eu-1-w1");
});

function linesOf(id: string): string[] {
  // Whatever is behind the last end of a line is being written.
  return cluster.log(id).split("\n").slice(0, -1);
}

test("logs are JSON with context, and hold no message body and no token at any level", async () => {
  const ch = "chat.logged";
  const redis = cluster.process("redis");
  // So that something is said of the channel: its members can't be mirrored.
  redis.kill("SIGSTOP");
  let tokens: string[];
  try {
    tokens = await sayThings(ch);
    await until("something to be said of the channel", () =>
      processes().some(({ id }) => cluster.log(id).includes(`"channel":"${ch}"`)),
    );
  } finally {
    redis.kill("SIGCONT");
  }
  const secrets = [
    CANARY,
    cluster.dev.tokenSecret,
    ...tokens,
    ...tokens.map((token) => token.split(".")[2]!),
  ];
  let aboutChannels = 0;
  for (const { id, kind } of processes()) {
    for (const line of linesOf(id)) {
      const entry = JSON.parse(line) as Record<string, unknown>;
      assert.deepEqual([entry.kind, entry.id, typeof entry.pid], [kind, id, "number"], line);
      assert.match(String(entry.level), /^(trace|debug|info|warn|error|fatal)$/);
      assert.ok(!Number.isNaN(Date.parse(String(entry.time))), line);
      for (const secret of secrets)
        assert.ok(!line.includes(secret), `${id} logs a secret or a body: ${line}`);
      // What it is about has the same names everywhere: a channel is never told without its tenant.
      for (const other of ["ch", "key", "connection", "connId"]) assert.ok(!(other in entry), line);
      if (entry.channel === undefined) continue;
      assert.match(`${entry.tenant}/${entry.channel}`, /^[a-z0-9-]+\/[\w.-]+$/, line);
      aboutChannels++;
    }
  }
  assert.ok(aboutChannels > 0, "something was said of a channel");
  const welcomes = ["g1", "g2"].flatMap(linesOf).filter((line) => line.includes('"welcome"'));
  assert.ok(
    welcomes.some((line) => {
      const { tenant, user, conn } = JSON.parse(line);
      return tenant === "demo" && user === "talker" && typeof conn === "string";
    }),
    "an entry about a connection says whose it is",
  );
});

/** Everything that a client can say, right and wrong, with the canary in it; returns the tokens that were used. */
async function sayThings(ch: string): Promise<string[]> {
  const client = await cluster.connect("talker");
  await client.sub(ch, { presence: true });
  await client.pub(ch, { text: CANARY }, `mid-${Date.now()}`);
  await client.ok({ op: "state", ch, data: CANARY });
  client.send({ op: "signal", ch, data: CANARY });
  await client.refused({ op: "pub", ch, data: CANARY.repeat(3_000) }, "too_large");
  await client.refused({ op: "pub", ch: "no channel", data: CANARY }, "bad_request");
  await client.refused({ op: "shout", data: CANARY }, "bad_request");
  await client.history(ch);
  const good = await cluster.token("talker");
  await client.ok({ op: "auth", token: good });
  await client.refused({ op: "auth", token: `${good}${CANARY}` }, "unauthorized");
  const forbidden = await cluster.connect("nobody", { caps: {} });
  await forbidden.refused({ op: "pub", ch, data: CANARY }, "forbidden");
  const expired = await cluster.token("late", { expiresInS: -60 });
  const late = await cluster.open();
  late.send({ op: "hello", id: 1, token: expired });
  await late.closedWith(4502);
  const garbled = await cluster.connect("garbled");
  garbled.sendRaw(`{"op":"pub","data":"${CANARY}`);
  await garbled.closedWith(4500);
  await until("the message", () => client.channel(ch).received.length === 1);
  return [good, expired];
}
