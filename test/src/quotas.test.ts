/** Quotas of tenants over two gateways, changed while everything runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Plexus } from "@plexus/client";
import { createLogger, type Quotas, SettingsStore } from "@plexus/runtime";
import { WebSocket } from "ws";
import { PlainBot } from "./harness/bot.js";
import { clusterForFile } from "./harness/cluster.js";
import type { AnyFrame, RawClient } from "./harness/raw-client.js";
import { until } from "./harness/wait.js";

let settings: SettingsStore;
const options = { admin: true, gateways: 2, workerEnv: { PLEXUS_HISTORY_BYTES_INTERVAL_MS: "200" } };
const cluster = clusterForFile(options, async (started) => {
  settings = await SettingsStore.open(await started.nats(), createLogger("test", "test", "fatal"));
  started.beforeStop(() => settings.stop());
});

const GATEWAYS = ["g1", "g2"];

/** What gateways allow by default. Another number each time tells that a change has arrived. */
const MAX_CHANNELS = 500;
let changes = 0;

/** Puts down the tenant's quotas, and waits until both gateways have heard of it. */
async function quotas(tenant: string, given: Quotas): Promise<void> {
  const mark = MAX_CHANNELS - ++changes;
  await settings.putTenant(tenant, { quotas: { channelsPerConnection: mark, ...given } });
  if (given.connections !== undefined) return;
  for (const gateway of GATEWAYS) {
    await until(`${gateway} to know the quotas`, async () => {
      const probe = await cluster.connect("probe", { tenant, gateway });
      const { channels } = probe.welcome!.limits;
      probe.cut();
      return channels === (given.channelsPerConnection ?? mark);
    });
  }
}

const code = (answer: AnyFrame) => (answer.op === "err" ? answer.code : answer.op);

/** Publishes without pause for so long, heeding `retry`; what was acknowledged, and how often it was refused. */
async function publishFor(
  client: RawClient,
  ch: string,
  ms: number,
): Promise<{ acked: string[]; refused: number }> {
  const acked: string[] = [];
  let refused = 0;
  const endAt = performance.now() + ms;
  const lane = async (name: string) => {
    for (let i = 0; performance.now() < endAt; i++) {
      const mid = `${client.conn}-${name}-${i}`;
      for (;;) {
        const answer = await client.ask({ op: "pub", ch, data: mid, mid });
        if (answer.op === "ok") break;
        assert.equal(answer.code, "rate_limited", JSON.stringify(answer));
        assert.ok(Number(answer.retry) >= 1);
        refused++;
        await pause(Number(answer.retry));
      }
      acked.push(mid);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => lane(`l${i}`)));
  return { acked, refused };
}

test("messages in, over both gateways: about the quota together; who waits succeeds, and nothing acknowledged is lost", async () => {
  const tenant = "rate-in";
  await quotas(tenant, { messagesInPerSecond: 60 });
  const clients = await Promise.all(GATEWAYS.map((gateway) => cluster.connect("ada", { tenant, gateway })));
  const reader = await cluster.connect("reader", { tenant });
  await reader.sub("chat.a");
  const startedAt = performance.now();
  const results = await Promise.all(clients.map((client) => publishFor(client, "chat.a", 6_000)));
  const seconds = (performance.now() - startedAt) / 1_000;
  const acked = results.flatMap((result) => result.acked);
  assert.ok(results.every(({ refused }) => refused > 0));
  // Each gateway's burst, one second of overrun while they hear of each other, and the quota from then on.
  const most = 60 * (2 + 1 + seconds * 1.1) + 20;
  assert.ok(acked.length > 60 * seconds * 0.6, `${acked.length} in ${seconds} s`);
  assert.ok(acked.length < most, `${acked.length} in ${seconds} s, at most ${most}`);
  await until("all at the reader", () => reader.channel("chat.a").received.length === acked.length);
  reader.channel("chat.a").assertConsecutive();
  const received = reader.channel("chat.a").received.map(({ data }) => data as string);
  assert.deepEqual(received.sort(), acked.sort());
});

test("without the quota there is no bound any more", async () => {
  const tenant = "rate-in";
  await quotas(tenant, {});
  const client = await cluster.connect("ada", { tenant });
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, i) => client.ask({ op: "pub", ch: "chat.free", data: i })),
  );
  assert.ok(answers.every(({ op }) => op === "ok"));
});

test("the SDK waits as it is told: everything is stored, in order, also with many on their way", async () => {
  const tenant = "sdk";
  await quotas(tenant, { messagesInPerSecond: 30 });
  const token = () => cluster.token("ada", { tenant });
  const client = new Plexus({ url: cluster.url, token, WebSocket, maxInFlightPerChannel: 20 });
  cluster.beforeStop(() => client.close());
  await client.connect();
  const channels = ["chat.a", "chat.b", "chat.c"];
  const stored = await Promise.all(
    channels.flatMap((ch) =>
      Array.from({ length: 30 }, async (_, i) => ({ ch, i, ...(await client.channel(ch).publish(i)) })),
    ),
  );
  for (const ch of channels) {
    const here = stored.filter((each) => each.ch === ch).sort((a, b) => a.seq - b.seq);
    assert.deepEqual(
      here.map(({ i, seq }) => [i, seq]),
      here.map((_, i) => [i, i + 1]),
    );
  }
  const refused = await Promise.all(GATEWAYS.map((id) => cluster.metrics(id)));
  const limit = { tenant, limit: "messagesInPerSecond" };
  assert.ok(refused.some((metrics) => metrics.sum("plexus_tenant_refused_total", limit) > 0));
  assert.equal(client.state.name, "connected");
});

test("signals count as messages", async () => {
  const tenant = "rate-signals";
  await quotas(tenant, { messagesInPerSecond: 5 });
  const client = await cluster.connect("ada", { tenant });
  for (let i = 0; i < 10; i++) client.send({ op: "signal", ch: "chat.s", data: i });
  const refusal = await client.until("a refusal", ({ op }) => op === "err");
  assert.equal(refusal.code, "rate_limited");
  assert.ok(Number(refusal.retry) > 0);
});

test("messages out: every delivery is made; until they are paid for nobody publishes, on the other gateway neither", async () => {
  const tenant = "rate-out";
  await quotas(tenant, { messagesOutPerSecond: 20 });
  const readers = await Promise.all(
    Array.from({ length: 10 }, (_, i) => cluster.connect(`r${i}`, { tenant, gateway: "g1" })),
  );
  for (const reader of readers) await reader.sub("chat.a");
  const [near, far] = await Promise.all(
    GATEWAYS.map((gateway) => cluster.connect("ada", { tenant, gateway })),
  );
  // Ten readers: 200 deliveries, for which there are ten seconds' worth of quota.
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const answer = await near!.ask({ op: "pub", ch: "chat.a", data: i });
      assert.ok(["ok", "rate_limited"].includes(String(code(answer))), JSON.stringify(answer));
    }),
  );
  const { retry } = await near!.refused({ op: "pub", ch: "chat.a", data: "more" }, "rate_limited");
  assert.ok(retry! >= 1);
  await until("the other gateway to refuse", async () => {
    const answer = await far!.ask({ op: "pub", ch: "chat.b", data: "elsewhere" });
    return code(answer) === "rate_limited" && Number(answer.retry) > 0;
  });
  const position = (await near!.history("chat.a", { limit: 200 })).messages.at(-1)!.seq;
  for (const reader of readers)
    await until("all that was stored", () => reader.channel("chat.a").received.length === position);
  await settings.putTenant(tenant, {});
  await until(
    "to be free again",
    async () => code(await far!.ask({ op: "pub", ch: "chat.b", data: 1 })) === "ok",
  );
});

test("connections of all gateways together: one too many gets limit_reached, is closed with 4006, and finds room later", async () => {
  const tenant = "few";
  await quotas(tenant, { connections: 2 });
  const first = await until("a connection under the quota", async () => cluster.connect("a", { tenant }));
  const second = await cluster.connect("b", { tenant });
  const token = await cluster.token("c", { tenant });
  const knock = async (): Promise<RawClient | undefined> => {
    const client = await cluster.open();
    const answer = await client.ask({ op: "hello", token });
    if (answer.op === "welcome") return client;
    assert.equal(answer.code, "limit_reached");
    await client.closedWith(4006, "limit_reached");
    const { reconnect } = client.frames.at(-1) as unknown as { reconnect: { min: number; max: number } };
    assert.ok(reconnect.min >= 1_000 && reconnect.max <= 30_000);
    return undefined;
  };
  // Within a second each gateway knows of the other one's. What came in before has to leave again.
  let refusals = 0;
  await until("to be refused a few times in a row, wherever it knocks", async () => {
    const client = await knock();
    client?.cut();
    refusals = client === undefined ? refusals + 1 : 0;
    return refusals >= 10;
  });
  await first.close();
  const third = await until("room", knock);
  await third.settled();
  await second.settled();
  const other = await cluster.connect("x", { tenant: "others" });
  await other.settled();
});

test("channels of a connection, and bytes of a message", async () => {
  const tenant = "small";
  await quotas(tenant, { channelsPerConnection: 2, messageBytes: 50 });
  const client = await cluster.connect("ada", { tenant });
  assert.equal(client.welcome!.limits.channels, 2);
  await client.sub("chat.a");
  await client.sub("chat.b");
  await client.refused({ op: "sub", ch: "chat.c" }, "limit_reached");
  await client.pub("chat.a", "x".repeat(48));
  await client.refused({ op: "pub", ch: "chat.a", data: "x".repeat(49) }, "too_large");
});

test("bytes of the log: limit_reached once they are measured, until the quota is raised", async () => {
  const tenant = "stored";
  await quotas(tenant, { historyBytes: 20_000 });
  const client = await cluster.connect("ada", { tenant });
  let acknowledged = 0;
  const refusal = await until("to be refused", async () => {
    const answer = await client.ask({ op: "pub", ch: "chat.a", data: "x".repeat(1_000) });
    if (answer.op === "ok") acknowledged++;
    return answer.op === "err" ? answer : undefined;
  });
  assert.equal(refusal.code, "limit_reached");
  assert.ok(acknowledged >= 18, `${acknowledged} KB were taken`);
  const measured = async () =>
    (await cluster.metrics("eu-1-w1")).sum("plexus_tenant_history_bytes", { tenant });
  await until("all of it to be measured", async () => (await measured()) > acknowledged * 1_000);
  const bot = new PlainBot(await cluster.nats(), "helper", tenant);
  const answer = await bot.ask("publish", "chat.a", { data: 1 });
  assert.equal(answer.ok ? "ok" : answer.error.code, "limit_reached");
  const { messages } = await client.history("chat.a", { limit: 200 });
  assert.equal(messages.length, acknowledged);
  await settings.putTenant(tenant, { quotas: { historyBytes: 1_000_000 } });
  await until("room", async () => (await client.ask({ op: "pub", ch: "chat.a", data: 1 })).op === "ok");
});

test("bots have the same quotas as clients, and are refused in the same way", async () => {
  const tenant = "bots";
  await quotas(tenant, { messagesInPerSecond: 5, messageBytes: 100 });
  const bot = new PlainBot(await cluster.nats(), "helper", tenant);
  // It is served by a worker, which hears of the quotas by itself.
  const large = await until("the worker to know the quotas", async () => {
    const answer = await bot.ask("publish", "chat.a", { data: "x".repeat(99) });
    return answer.ok ? undefined : answer.error;
  });
  assert.equal(large.code, "too_large");
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => bot.ask("publish", "chat.a", { data: 1 })),
  );
  const refused = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));
  assert.ok(refused.length > 0 && refused.length < 40, `${refused.length} refused`);
  for (const { code, retry } of refused) assert.ok(code === "rate_limited" && Number(retry) >= 1);
  await until("to get through", async () => {
    const { retry } = refused[0]!;
    await pause(Number(retry));
    return (await bot.ask("publish", "chat.a", { data: 2 })).ok;
  });
});

test("a publish through the admin API counts as any other: refused beyond the quota, with a time to come back", async () => {
  const tenant = "by-admin";
  await quotas(tenant, { messagesInPerSecond: 5, messageBytes: 100 });
  const post = (data: unknown) =>
    fetch(`${cluster.dev.adminUrl}/v1/tenants/${tenant}/channels/chat.a/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${cluster.dev.adminToken}`, "content-type": "application/json" },
      body: JSON.stringify({ data, user: "ops" }),
    });
  await until("the admin API to know the quotas", async () => (await post("x".repeat(200))).status === 413);
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => post(i)));
  const refused = answers.filter(({ status }) => status !== 200);
  assert.ok(refused.length > 0 && refused.length < 40, `${refused.length} refused`);
  for (const answer of refused) {
    assert.equal(answer.status, 429);
    assert.ok(Number(answer.headers.get("retry-after")) >= 1);
    const { error } = (await answer.json()) as { error: { code: string; retry: number } };
    assert.ok(error.code === "rate_limited" && error.retry >= 1);
  }
  await until("to get through", async () => {
    await pause(200);
    return (await post("again")).status === 200;
  });
});

test("metrics name tenants that something is put down about, and no others", async () => {
  const texts = await Promise.all(GATEWAYS.map((id) => cluster.metrics(id)));
  const sum = (name: string, labels: Record<string, string>) =>
    texts.reduce((total, metrics) => total + metrics.sum(name, labels), 0);
  const refused = "plexus_tenant_refused_total";
  assert.ok(sum(refused, { tenant: "rate-in", limit: "messagesInPerSecond" }) > 0);
  assert.ok(sum(refused, { tenant: "rate-out", limit: "messagesOutPerSecond" }) > 0);
  assert.ok(sum(refused, { tenant: "few", limit: "connections" }) > 0);
  assert.equal(sum(refused, { tenant: "small", limit: "channelsPerConnection" }), 1);
  assert.equal(sum(refused, { tenant: "small", limit: "messageBytes" }), 1);
  await until("the connections of others", async () => {
    const metrics = await Promise.all(GATEWAYS.map((id) => cluster.metrics(id)));
    return metrics.some((each) => each.sum("plexus_tenant_connections", { tenant: "other" }) > 0);
  });
  assert.equal(sum("plexus_tenant_connections", { tenant: "others" }), 0);
});
