/** Webhooks with real processes, and receivers that fail in every way that there is. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Admin, cli } from "./harness/admin.js";
import { TestCluster } from "./harness/cluster.js";
import { putTenant } from "./harness/lifecycle.js";
import type { RawClient } from "./harness/raw-client.js";
import { until } from "./harness/wait.js";
import { SECRET, WebhookReceiver } from "./harness/webhook-receiver.js";

const cluster = new TestCluster({
  admin: true,
  hooks: true,
  cells: ["eu-1", "us-1"],
  hooksEnv: {
    PLEXUS_WEBHOOK_BATCH_MS: "50",
    PLEXUS_WEBHOOK_BATCH_EVENTS: "10",
    PLEXUS_WEBHOOK_RETRY_FIRST_MS: "20",
    PLEXUS_WEBHOOK_RETRY_MAX_MS: "200",
    // The receivers are in this very process.
    PLEXUS_WEBHOOK_DEADLINE_MS: "5000",
    PLEXUS_WEBHOOK_ATTEMPTS: "8",
    PLEXUS_WEBHOOK_REFUSALS: "2",
    PLEXUS_VACATE_AFTER_MS: "500",
  },
});
const admin = new Admin(cluster);

before(async () => {
  await cluster.start();
  await until("both cells to be active", async () => {
    const { cells, operation } = await admin.get<{ cells: Array<{ state: string }>; operation?: object }>(
      "/v1/cells",
    );
    return cells.filter(({ state }) => state === "active").length === 2 && operation === undefined;
  });
});
after(() => cluster.stop());

interface State {
  state: string;
  delivered: number;
  deadLetters: number;
  waiting: number;
  lastError?: string;
}

async function stateOf(tenant: string): Promise<State> {
  const { webhooks } = await admin.get<{ webhooks: [State] }>(`/v1/tenants/${tenant}/webhooks`);
  return webhooks[0];
}

/** A receiver, and a tenant whose events go there. */
async function hooked(tenant: string, events: string[], more: object = {}): Promise<WebhookReceiver> {
  const receiver = await WebhookReceiver.start();
  cluster.beforeStop(() => receiver.stop());
  const webhook = { id: "main", url: receiver.url, secret: SECRET, events, ...more };
  await putTenant(cluster, tenant, { webhooks: [webhook] });
  const path = `/v1/tenants/${tenant}/webhooks`;
  await until("the webhook to be known to whoever delivers it", async () => {
    const { webhooks } = await admin.get<{ webhooks: State[] }>(path);
    return webhooks.some(({ state }) => state !== "new");
  });
  return receiver;
}

/** Publishes 0 … n-1 in each channel. */
async function publishAll(client: RawClient, channels: string[], n: number, from = 0): Promise<void> {
  for (let i = from; i < from + n; i++) await Promise.all(channels.map((ch) => client.pub(ch, i)));
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

test("events go out signed, in batches, of the kinds and channels that are wanted", async () => {
  const receiver = await hooked("plain", ["connected", "occupied", "vacated", "published"], {
    channels: ["chat.>"],
  });
  const alice = await cluster.connect("alice", { tenant: "plain" });
  await alice.sub("chat.a");
  await alice.sub("other.a");
  await publishAll(alice, ["chat.a", "other.a"], 25);
  await alice.close();
  const kinds = () => new Set(receiver.events.map(({ kind, ch = "" }) => `${kind} ${ch}`.trim()));
  await until("everything", () => kinds().size === 4 && receiver.data("chat.a").length === 25);
  assert.deepEqual([...kinds()].sort(), [
    "connected",
    "occupied chat.a",
    "published chat.a",
    "vacated chat.a",
  ]);
  assert.deepEqual(receiver.data("chat.a"), upTo(25));
  assert.equal(receiver.forged, 0);
  assert.ok(receiver.taken.every((batch) => batch.length <= 10));
  const message = receiver.events.find(({ kind }) => kind === "published")!;
  assert.deepEqual([message.tenant, message.user, message.seq], ["plain", "alice", 1]);
  assert.equal((await stateOf("plain")).state, "delivering");
});

test("a receiver that fails, is slow, or cuts connections gets everything, in order", async () => {
  const receiver = await hooked("moody", ["published"]);
  const moods = [500, "cut", 204, 429, "hang", 503, 204, 204] as const;
  // Two cells' lanes take turns at random: one of them alone must not use up a batch's attempts.
  receiver.behave = (_, request, attempt) => (attempt < 5 ? moods[request % moods.length]! : 204);
  const channels = ["chat.a", "chat.b", "room.c"];
  const client = await cluster.connect("bob", { tenant: "moody" });
  await publishAll(client, channels, 40);
  await until("everything", () => receiver.events.length === 120, 120_000);
  for (const ch of channels) assert.deepEqual(receiver.data(ch), upTo(40), ch);
  assert.equal((await stateOf("moody")).deadLetters, 0);
  const metrics = await cluster.metrics("hooks");
  assert.ok(metrics.sum('plexus_webhook_requests_total{tenant="moody",webhook="main",outcome="failed"}') > 0);
});

test("a receiver that is away finds everything when it comes back, even if the process that delivers was killed", async () => {
  const receiver = await hooked("away", ["published"]);
  const client = await cluster.connect("carol", { tenant: "away" });
  await publishAll(client, ["chat.a"], 10);
  await until("the first ones", () => receiver.data("chat.a").length === 10);
  await receiver.stop();
  await publishAll(client, ["chat.a"], 30, 10);
  await until("the failure to be seen", async () => (await stateOf("away")).state === "failing");
  assert.match((await stateOf("away")).lastError ?? "", /unreachable: ECONNREFUSED/);
  cluster.process("hooks").kill("SIGKILL");
  await publishAll(client, ["chat.a"], 10, 40);
  await receiver.listen();
  await until("everything", () => receiver.data("chat.a").length === 50, 40_000);
  assert.deepEqual(receiver.data("chat.a"), upTo(50));
  await until("all to be well", async () => (await stateOf("away")).state === "delivering");
});

test("what is refused becomes a dead letter, the rest goes on, and the command line delivers it again", async () => {
  const receiver = await hooked("poison", ["published"]);
  receiver.behave = (batch) => (batch.some(({ data }) => data === "poison") ? 400 : 204);
  const client = await cluster.connect("dave", { tenant: "poison" });
  await client.pub("chat.a", "before");
  await until("the one before", () => receiver.data("chat.a").length === 1);
  await client.pub("chat.a", "poison");
  await until("a dead letter", async () => (await stateOf("poison")).deadLetters === 1);
  await client.pub("chat.a", "after");
  await until("the one after", () => receiver.data("chat.a").includes("after"));
  assert.equal(receiver.data("chat.a").includes("poison"), false);

  const dead = await cli(cluster, "webhook", "dead", "poison", "main", "--json");
  const { letters } = JSON.parse(dead.out) as { letters: [{ id: number; reason: string; attempts: number }] };
  assert.deepEqual([letters.length, letters[0].reason, letters[0].attempts], [1, "answered 400", 2]);
  assert.match((await cli(cluster, "webhook", "dead", "poison", "main")).out, /answered 400/);
  const id = String(letters[0].id);

  const refused = await cli(cluster, "webhook", "replay", "poison", "main", "--letter", id);
  assert.equal(refused.code, 0, refused.err);
  await until("it to be refused again", () => receiver.requests >= 6);
  assert.equal((await stateOf("poison")).deadLetters, 1);

  receiver.behave = () => 204;
  await until("it to be delivered", async () => {
    await cli(cluster, "webhook", "replay", "poison", "main");
    return receiver.data("chat.a").includes("poison");
  });
  await until("it to be gone", async () => (await stateOf("poison")).deadLetters === 0);
  assert.match((await cli(cluster, "webhook", "list", "poison")).out, /main +delivering +3 +0 +0/);
  const missing = await cli(cluster, "webhook", "replay", "poison", "main", "--letter", id);
  assert.notEqual(missing.code, 0);
});

test("a channel's messages stay in order while it moves between cells and the receiver fails", async () => {
  const receiver = await hooked("moving", ["published"]);
  receiver.behave = (_batch, _request, attempt) => (attempt % 3 === 2 ? 204 : 503);
  const channels = upTo(6).map((i) => `chat.m${i}`);
  const client = await cluster.connect("erin", { tenant: "moving" });
  await publishAll(client, channels, 10);
  const { operation } = await admin.post<{ operation: { id: string } }>("/v1/cells/eu-1/drain");
  await publishAll(client, channels, 10, 10);
  assert.equal((await admin.finished(operation.id)).state, "done");
  await publishAll(client, channels, 10, 20);
  const back = await admin.post<{ operation: { id: string } }>("/v1/cells/eu-1/activate");
  await publishAll(client, channels, 10, 30);
  assert.equal((await admin.finished(back.operation.id)).state, "done");
  await publishAll(client, channels, 10, 40);
  await until("everything", () => receiver.events.length === channels.length * 50, 60_000);
  for (const ch of channels) assert.deepEqual(receiver.data(ch), upTo(50), ch);
});
