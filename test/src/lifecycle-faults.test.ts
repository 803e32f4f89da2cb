/** Lifecycle events while gateways, the bus and the processes that write and deliver them hang or die. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { clusterForFile } from "./harness/cluster.js";
import { readMetrics } from "./harness/http.js";
import { LifecycleFollower, putTenant } from "./harness/lifecycle.js";
import { TENANT } from "./harness/tokens.js";
import { staysTrue, until } from "./harness/wait.js";
import { SECRET, WebhookReceiver } from "./harness/webhook-receiver.js";

const HOOKS_ENV = {
  PLEXUS_VACATE_AFTER_MS: "1000",
  PLEXUS_GATEWAY_LEASE_MS: "5000",
  PLEXUS_WEBHOOK_BATCH_MS: "50",
  PLEXUS_WEBHOOK_RETRY_FIRST_MS: "50",
};
const SLOW_MS = 60_000;
let follower: LifecycleFollower;
let receiver: WebhookReceiver;

const cluster = clusterForFile({ hooks: true, gateways: 2, hooksEnv: HOOKS_ENV }, async (running) => {
  receiver = await WebhookReceiver.start();
  running.beforeStop(() => receiver.stop());
  const webhook = { id: "main", url: receiver.url, secret: SECRET, events: ["subscribed", "published"] };
  await putTenant(running, TENANT, { events: ["connected"], webhooks: [webhook] });
  follower = await LifecycleFollower.start(running, TENANT);
});

test("a gateway that hangs is given up, and tells what it holds anew when it goes on", async () => {
  const ch = "chat.frozen";
  const client = await cluster.connect("alice", { gateway: "g1" });
  const { conn } = client;
  await client.sub(ch);
  await until("occupied", () => follower.of("occupied", { ch }).length === 1);
  cluster.process("g1").kill("SIGSTOP");
  try {
    await until("the good-bye", () => follower.of("vacated", { ch }).length === 1, SLOW_MS);
    assert.equal(follower.of("disconnected", { conn, derived: true }).length, 1);
  } finally {
    cluster.process("g1").kill("SIGCONT");
  }
  await until("it to be back", () => follower.of("occupied", { ch }).length === 2, SLOW_MS);
  const [before, again] = follower.of("connected", { conn });
  assert.deepEqual([before?.source?.slice(-2), again?.source?.slice(-2)], ["_0", "_1"]);
  await client.close();
  await until("the end", () => follower.of("vacated", { ch }).length === 2, SLOW_MS);
  assert.equal(follower.of("disconnected", { conn }).length, 2);
  assert.deepEqual(follower.twice(), []);
});

test("while the bus is away nobody is taken for dead, and what happens is told when it is back", async () => {
  const ch = "chat.nats";
  const stays = await cluster.connect("stays", { gateway: "g2" });
  const goes = await cluster.connect("goes", { gateway: "g2" });
  await stays.sub(ch);
  await goes.sub(ch);
  await until("both", () => follower.of("subscribed", { ch }).length === 2);
  cluster.process("nats").kill("SIGSTOP");
  await goes.close();
  // Longer than a gateway's lease.
  await staysTrue(() => true, 7_000);
  cluster.process("nats").kill("SIGCONT");
  await until("the good-bye", () => follower.of("disconnected", { conn: goes.conn }).length === 1, SLOW_MS);
  cluster.process("nats").kill("SIGKILL");
  await cluster.process("nats").exited;
  await cluster.process("nats").ready();
  const after = await cluster.connect("after", { gateway: "g2" });
  await until(
    "an event after that",
    () => follower.of("connected", { conn: after.conn }).length === 1,
    SLOW_MS,
  );
  assert.ok(await staysTrue(() => follower.of("disconnected", { conn: stays.conn }).length === 0, 7_000));
  assert.equal(follower.of("vacated", { ch }).length, 0);
  assert.deepEqual(follower.twice(), []);
});

test("of two processes one is active; when it hangs the other one takes over, and nothing is lost", async () => {
  const second = await startSecond();
  try {
    const first = cluster.process("hooks");
    const isActive = async (url: string) => (await readMetrics(url)).sum("plexus_hooks_active") === 1;
    await until("the first to be active", () => isActive(first.opsUrl!), SLOW_MS);
    assert.equal(await isActive(second.opsUrl), false);
    const client = await cluster.connect("carol");
    await client.sub("chat.standby");
    for (let i = 0; i < 10; i++) await client.pub("chat.standby", i);
    await until("the first ones", () => receiver.data("chat.standby").length === 10, SLOW_MS);
    first.kill("SIGSTOP");
    for (let i = 10; i < 20; i++) await client.pub("chat.standby", i);
    await until("the other one to deliver", () => receiver.data("chat.standby").length === 20, SLOW_MS);
    assert.equal(await isActive(second.opsUrl), true);
    first.kill("SIGCONT");
    for (let i = 20; i < 30; i++) await client.pub("chat.standby", i);
    await until("the rest", () => receiver.data("chat.standby").length === 30, SLOW_MS);
    await until("the first to stand by", async () => !(await isActive(first.opsUrl!)), SLOW_MS);
    assert.deepEqual(
      receiver.data("chat.standby"),
      Array.from({ length: 30 }, (_, i) => i),
    );
    const occupied = () => follower.of("occupied", { ch: "chat.standby" }).length;
    await until("that it is occupied", () => occupied() > 0, SLOW_MS);
    assert.equal(occupied(), 1);
  } finally {
    second.child.kill("SIGKILL");
    await once(second.child, "exit");
  }
});

/** One more of the process that writes and delivers, which stands by. */
async function startSecond(): Promise<{ child: ChildProcess; opsUrl: string }> {
  const entry = fileURLToPath(new URL("../../deploy/dist/hooks/main.js", import.meta.url));
  const child = spawn(process.execPath, [entry], {
    env: {
      PATH: process.env.PATH,
      NATS_URL: cluster.dev.natsUrl,
      PLEXUS_WEBHOOK_PRIVATE_TARGETS: "true",
      ...HOOKS_ENV,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk;
  });
  const port = await until("the second one", () => /"port":(\d+),"msg":"ops server listens"/.exec(out)?.[1]);
  return { child, opsUrl: `http://127.0.0.1:${port}` };
}
