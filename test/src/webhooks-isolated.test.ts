/** Webhooks where each cell has brokers of its own: a cell that is drained and switched off takes nothing along. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Admin } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { putTenant } from "./harness/lifecycle.js";
import { TENANT } from "./harness/tokens.js";
import { until } from "./harness/wait.js";
import { SECRET, WebhookReceiver } from "./harness/webhook-receiver.js";

const SLOW_MS = 60_000;
const cluster = clusterForFile({
  admin: true,
  hooks: true,
  isolated: true,
  restart: false,
  cells: ["eu-1", "us-1"],
  hooksEnv: {
    PLEXUS_WEBHOOK_BATCH_MS: "50",
    PLEXUS_WEBHOOK_BATCH_EVENTS: "7",
    PLEXUS_WEBHOOK_RETRY_FIRST_MS: "50",
    PLEXUS_WEBHOOK_RETRY_MAX_MS: "500",
  },
});
const admin = new Admin(cluster);

test("what a cell's log held is delivered from its mirror, once its brokers are gone, before what came later", async () => {
  await until("both cells to be active", async () => {
    const { cells, operation } = await admin.get<{ cells: Array<{ state: string }>; operation?: object }>(
      "/v1/cells",
    );
    return cells.filter(({ state }) => state === "active").length === 2 && operation === undefined;
  });
  const receiver = await WebhookReceiver.start();
  cluster.beforeStop(() => receiver.stop());
  const webhook = { id: "main", url: receiver.url, secret: SECRET, events: ["published"] };
  await putTenant(cluster, TENANT, { webhooks: [webhook] });
  await until("the webhook to be known", async () => {
    const { webhooks } = await admin.get<{ webhooks: Array<{ state: string }> }>(
      `/v1/tenants/${TENANT}/webhooks`,
    );
    return webhooks.some(({ state }) => state !== "new");
  });
  const channels = Array.from({ length: 6 }, (_, i) => `chat.i${i}`);
  const client = await cluster.connect("alice");
  const publish = async (from: number, to: number) => {
    for (let i = from; i < to; i++) await Promise.all(channels.map((ch) => client.pub(ch, i)));
  };
  await publish(0, 10);
  await until("the first ones", () => receiver.events.length === 60, SLOW_MS);
  assert.equal(receiver.taken.flat().length, 60, "twice, though nothing failed");
  await receiver.stop();
  await publish(10, 20);
  const { operation } = await admin.post<{ operation: { id: string } }>("/v1/cells/eu-1/drain");
  assert.equal((await admin.finished(operation.id)).state, "done");
  await publish(20, 30);
  for (const { kind, cell, kill } of cluster.cluster.processes)
    if (cell === "eu-1" && ["worker", "nats", "redis"].includes(kind)) kill("SIGKILL");
  await receiver.listen();
  await until("everything", () => receiver.events.length === 180, SLOW_MS);
  for (const ch of channels)
    assert.deepEqual(
      receiver.data(ch),
      Array.from({ length: 30 }, (_, i) => i),
      ch,
    );
  assert.equal((await cluster.metrics("hooks")).sum("plexus_webhook_order_waived_total"), 0);
});
