/** Settings that operators change while everything runs: admin API and command line against a running cluster. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Admin, cli, type Json } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { TENANT } from "./harness/tokens.js";
import { until } from "./harness/wait.js";

const cluster = clusterForFile({ admin: true, hooks: true, gateways: 2 });
const admin = new Admin(cluster);

interface Settings {
  revision: number;
  settings: Json;
}

const INSTALLATION = "/v1/settings";
const settingsOf = (tenant: string) => `/v1/tenants/${tenant}/settings`;
const SECRET = "a-secret-of-forty-characters-or-so-12345";
const HOOK = { id: "audit", url: "https://example.com/hook", secret: SECRET, events: ["published"] };

async function changed(method: string, path: string, body?: unknown): Promise<Settings> {
  const answer = await admin.ask<Settings>(method, path, body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

test("a smaller message is all that a namespace takes, on every gateway and without a restart", async () => {
  const clients = await Promise.all(["g1", "g2"].map((gateway) => cluster.connect("alice", { gateway })));
  const data = "x".repeat(200);
  for (const client of clients) await client.pub("chat.sizes", data);
  const limited = { namespaces: { chat: { maxMessageBytes: 100 } } };
  await changed("PATCH", settingsOf(TENANT), limited);
  let id = 1_000_000;
  for (const client of clients)
    await until("the gateway to refuse it", async () => {
      client.send({ op: "pub", id: ++id, ch: "chat.sizes", data });
      return (await client.reply(id)).code === "too_large";
    });
  for (const client of clients) await client.pub("other.sizes", data);
  await changed("PATCH", settingsOf(TENANT), { namespaces: null });
  for (const client of clients)
    await until("the gateway to take it again", async () => {
      client.send({ op: "pub", id: ++id, ch: "chat.sizes", data });
      return (await client.reply(id)).op === "ok";
    });
});

test("a document that is wrong changes nothing, and the error names the field", async () => {
  const before = await changed("PUT", settingsOf("wrong"), { quotas: { connections: 5 } });
  for (const [path, body, field] of [
    [settingsOf("wrong"), { quotas: { connections: -1 } }, /quotas\.connections/],
    [
      settingsOf("wrong"),
      { namespaces: { chat: { retention: { messages: "many" } } } },
      /chat\.retention\.messages/,
    ],
    [settingsOf("wrong"), { webhooks: [HOOK, HOOK] }, /webhooks/],
    [INSTALLATION, { unlistedTenants: "perhaps" }, /installation: unlistedTenants/],
  ] as const) {
    for (const [method, url] of [
      ["PUT", path],
      ["PATCH", path],
      ["POST", `${path}/check`],
    ] as const)
      assert.match(await admin.refused("bad_request", 400, method, url, body), field);
  }
  for (const body of [[], "x", 7]) await admin.refused("bad_request", 400, "PUT", settingsOf("wrong"), body);
  await admin.refused("bad_request", 400, "PUT", settingsOf("No-Tenant"), {});
  assert.deepEqual(await admin.get(settingsOf("wrong")), before);
  assert.deepEqual(await admin.get(INSTALLATION), { revision: 0, settings: {} });
});

test("a check says what would be, and does nothing", async () => {
  const body = { quotas: { messageBytes: 7 }, webhooks: [HOOK] };
  const shown = { quotas: { messageBytes: 7 }, webhooks: [{ ...HOOK, secret: "…" }] };
  assert.deepEqual(await changed("POST", `${settingsOf("checked")}/check`, body), {
    revision: 0,
    settings: shown,
  });
  await admin.refused("not_found", 404, "GET", settingsOf("checked"));
});

test("of two who change the same at once, one is told that he was too late", async () => {
  const { revision } = await changed("PUT", settingsOf("twice"), {});
  const answers = await Promise.all(
    [3, 4].map((connections) =>
      admin.ask<Settings>("PUT", `${settingsOf("twice")}?revision=${revision}`, { quotas: { connections } }),
    ),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
  const winner = answers.find(({ status }) => status === 200)!.body;
  assert.deepEqual(await admin.get(settingsOf("twice")), winner);
  const stale = { ...admin.headers, "content-type": "application/json", "if-match": `"${revision}"` };
  const response = await fetch(admin.url + settingsOf("twice"), {
    method: "PATCH",
    headers: stale,
    body: "{}",
  });
  assert.equal(response.status, 409);
  await admin.refused("conflict", 409, "PUT", `${settingsOf("twice")}?revision=0`, {});
  await admin.refused("conflict", 409, "DELETE", `${settingsOf("twice")}?revision=${revision}`);
});

test("secrets are kept, and never shown: not in answers, not in the log", async () => {
  const path = settingsOf("hidden");
  const put = await changed("PUT", path, { webhooks: [HOOK], keys: [{ kid: "one", secret: SECRET }] });
  assert.ok(!JSON.stringify(put).includes(SECRET));
  await changed("PATCH", path, { ...put.settings, quotas: { connections: 9 } });
  const nats = await cluster.nats();
  const stored = await storedText(nats, "tenant.hidden");
  assert.equal(stored.split(SECRET).length, 3, "both secrets are still there");
  const fresh = [{ ...HOOK, id: "new", secret: "…" }];
  assert.match(
    await admin.refused("bad_request", 400, "PATCH", path, { webhooks: fresh }),
    /webhooks\[new\]/,
  );
  assert.ok(!cluster.log("admin").includes(SECRET));
  assert.match(cluster.log("admin"), /"action":"tenant\.settings\.put".*"fields":\["webhooks","keys"\]/);
});

async function storedText(nats: Awaited<ReturnType<typeof cluster.nats>>, key: string): Promise<string> {
  const request = JSON.stringify({ last_by_subj: `$KV.plexus-settings.${key}` });
  const answer = await nats.request("$JS.API.STREAM.MSG.GET.KV_plexus-settings", request, {
    timeout: 10_000,
  });
  const { message } = JSON.parse(answer.string()) as { message: { data: string } };
  return Buffer.from(message.data, "base64").toString();
}

test("tenants are listed with state and quotas, page by page; the installation's quotas are everybody's", async () => {
  await changed("PATCH", INSTALLATION, { quotas: { messageBytes: 77 } });
  for (const name of ["list-a", "list-b", "list-c"]) await changed("PUT", settingsOf(name), {});
  await changed("PATCH", settingsOf("list-b"), { suspended: true, quotas: { connections: 2 } });
  const page = await admin.get<{ tenants: Json[]; more: boolean }>("/v1/tenants?after=list-a&limit=1");
  const quotas = { messageBytes: 77, connections: 2 };
  assert.deepEqual(page, { tenants: [{ tenant: "list-b", state: "suspended", quotas }], more: true });
  const { admitted, listed } = await admin.get("/v1/tenants/list-b");
  assert.deepEqual([admitted, listed], [false, true]);
  await changed("DELETE", settingsOf("list-b"));
  assert.equal((await admin.get("/v1/tenants/list-b")).listed, false);
  await admin.refused("not_found", 404, "DELETE", settingsOf("list-b"));
  await changed("PUT", INSTALLATION, {});
});

test("the command line does all of it", async () => {
  const run = async (...args: string[]) => {
    const { code, out, err } = await cli(cluster, ...args);
    return { code, text: out + err };
  };
  const succeeds = async (...args: string[]) => {
    const { code, text } = await run(...args);
    assert.equal(code, 0, text);
    return text;
  };
  const json = async (...args: string[]) => JSON.parse(await succeeds(...args, "--json")) as Settings & Json;
  const { revision } = await json("tenant", "set", "shop", "quotas.connections=100", "suspended=true");
  assert.match(await succeeds("tenant", "list"), /shop +suspended +connections 100/);
  await succeeds("tenant", "resume", "shop");
  const late = await run("tenant", "suspend", "shop", "--revision", String(revision));
  assert.deepEqual([late.code, /somebody has changed it/.test(late.text)], [4, true], late.text);
  const wrong = await run("tenant", "set", "shop", "quotas.connections=none");
  assert.deepEqual([wrong.code, /quotas\.connections/.test(wrong.text)], [2, true], wrong.text);
  const file = join(cluster.dataDir, "shop.json");
  writeFileSync(file, JSON.stringify({ namespaces: { chat: { slowReader: "latest" } }, webhooks: [HOOK] }));
  assert.match(await succeeds("tenant", "check", "shop", "--file", file), /it can be put/);
  await succeeds("tenant", "put", "shop", "--file", file);
  const shown = await succeeds("tenant", "show", "shop");
  assert.match(shown, /admitted +yes[\s\S]*"slowReader": "latest"/);
  assert.ok(!shown.includes(SECRET));
  assert.match(await succeeds("tenant", "remove", "shop"), /nothing is put down about shop any more/);
  await succeeds("settings", "set", "unlistedTenants=refuse");
  assert.match(await succeeds("tenant", "show", "shop"), /admitted +no/);
  writeFileSync(file, "{}");
  await succeeds("settings", "check", "--file", file);
  await succeeds("settings", "put", "--file", file);
  assert.deepEqual((await json("settings", "show")).settings, {});
  assert.equal((await run("settings", "put", "--file", `${file}.missing`)).code, 2);
});
