/** What operators do to a running cluster, by the admin API and by `plexus`: drains that clients do not notice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { untilQuick } from "@plexus/runtime/testing";
import { Admin, cli, type Json, startCli } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import { get } from "./harness/http.js";
import { until } from "./harness/wait.js";

const GRACE_MS = 10_000;
const PER_SECOND = 4;
const gatewayEnv = {
  PLEXUS_DRAIN_GRACE_MS: String(GRACE_MS),
  PLEXUS_DRAIN_PER_SECOND: String(PER_SECOND),
};
const cluster = clusterForFile({ admin: true, cells: ["eu-1", "us-1"], gateways: 2, gatewayEnv }, () =>
  until("all cells to be active", async () => {
    const { cells, operation } = await admin.get<{ cells: Json[]; operation?: Json }>("/v1/cells");
    return operation === undefined && cells.length === 2 && cells.every(({ state }) => state === "active");
  }).then(() => undefined),
);
const admin = new Admin(cluster);

interface Started {
  operation: { id: string; state: string; kind: string };
}

async function lookAt(cell: string): Promise<Json> {
  const { cells } = await admin.get<{ cells: Json[] }>("/v1/cells");
  return cells.find(({ id }) => id === cell) ?? {};
}

/** The admin API hears of a change as every process does, which may be after the operation's end. */
function cellToBe(cell: string, state: string): Promise<boolean> {
  return until(`${cell} to be ${state}`, async () => (await lookAt(cell)).state === state);
}

async function pinOf(tenant: string): Promise<unknown> {
  return (await admin.get(`/v1/tenants/${tenant}`)).pin;
}

test("a cell is drained and activated, and the same call again is the same operation", async () => {
  const alice = await cluster.connect("alice");
  for (let i = 0; i < 20; i++) await alice.pub(`chat.moving-${i}`, i);
  const { status, body } = await admin.ask<Started>("POST", "/v1/cells/eu-1/drain");
  assert.equal(status, 202);
  const { id, kind } = body.operation;
  assert.equal(kind, "drain");
  assert.equal((await admin.post<Started>("/v1/cells/eu-1/drain")).operation.id, id);
  const done = await admin.finished(id);
  assert.deepEqual([done.state, done.cell, done.moved], ["done", "eu-1", done.total]);
  assert.ok((done.finishedAt as number) >= (done.startedAt as number));
  await cellToBe("eu-1", "drained");
  assert.equal((await admin.post<Started>("/v1/cells/eu-1/drain")).operation.id, id);
  const message = await admin.refused("conflict", 409, "POST", "/v1/cells/us-1/drain");
  assert.match(message, /last active/);
  await admin.refused("not_found", 404, "POST", "/v1/cells/mars-1/drain");
  const empty = await until("its worker to answer", async () => {
    const cell = await lookAt("eu-1");
    return cell.complete === true && cell;
  });
  assert.equal(empty.channels, 0);
  const back = await admin.post<Started>("/v1/cells/eu-1/activate");
  assert.equal((await admin.finished(back.operation.id)).state, "done");
  await cellToBe("eu-1", "active");
});

test("an operation's events are server-sent, from how it is to its end", async () => {
  const { operation } = await admin.post<Started>("/v1/cells/us-1/drain");
  const response = await fetch(`${admin.url}/v1/operations/${operation.id}/events`, {
    headers: admin.headers,
  });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const blocks = (await response.text()).split("\n\n").filter((block) => block.startsWith("event: "));
  const states = blocks.map((block) => {
    const [event, data] = block.split("\n") as [string, string];
    assert.equal(event, "event: operation");
    return (JSON.parse(data.slice("data: ".length)) as Json).state;
  });
  assert.equal(states.at(-1), "done");
  assert.ok(states.slice(0, -1).every((state) => state === "running"));
  await admin.finished((await admin.post<Started>("/v1/cells/us-1/activate")).operation.id);
  await admin.refused("not_found", 404, "GET", "/v1/operations/nothing/events");
});

test("a weight is changed, and a tenant is pinned to a region", async () => {
  const weight = await admin.post<Started>("/v1/cells/eu-1/weight", { weight: 2 });
  assert.equal((await admin.finished(weight.operation.id)).state, "done");
  await admin.refused("bad_request", 400, "POST", "/v1/cells/eu-1/weight", { weight: 0 });
  const pin = await admin.post<Started>("/v1/tenants/demo/pin", { region: "us" });
  assert.equal((await admin.finished(pin.operation.id)).tenant, "demo");
  await until("the pin to be known", async () => (await pinOf("demo")) !== null);
  assert.deepEqual(await admin.get("/v1/tenants/demo"), {
    tenant: "demo",
    pin: { region: "us", failover: false },
    listed: false,
    admitted: true,
    quotas: {},
  });
  assert.equal((await admin.get("/v1/tenants/demo/channels/chat.moving-1")).cell, "us-1");
  await admin.refused("bad_request", 400, "POST", "/v1/tenants/demo/pin", { region: "mars" });
  await admin.finished((await admin.post<Started>("/v1/tenants/demo/unpin")).operation.id);
  await until("the pin to be gone", async () => (await pinOf("demo")) === null);
});

test("the command line waits for a drain although the admin API is killed in the middle", async () => {
  const run = startCli(cluster, "drain", "eu-1", "--json");
  await until("the drain to begin", async () => (await lookAt("eu-1")).state !== "active");
  cluster.process("admin").kill("SIGKILL");
  const { code, out, err } = await run.ended;
  assert.equal(code, 0, err);
  const { state, cell } = JSON.parse(out);
  assert.deepEqual([state, cell], ["done", "eu-1"]);
  await cluster.process("admin").ready();
  assert.equal((await cli(cluster, "activate", "eu-1")).code, 0);
});

test("a gateway's clients are told to go at a pace, and get time", async () => {
  const clients = [];
  for (let i = 0; i < 12; i++) clients.push(await cluster.connect(`u${i}`, { gateway: "g1" }));
  await until("both gateways to answer", async () => {
    const { gateways } = await admin.get<{ gateways: Json[] }>("/v1/gateways");
    return gateways.length === 2;
  });
  const startedAt = performance.now();
  const run = startCli(cluster, "gateway", "drain", "g1");
  const byes = await Promise.all(
    clients.map(async (client) => {
      const bye = await client.until("bye", ({ op }) => op === "bye");
      return { bye, atMs: performance.now() - startedAt, open: client.isOpen };
    }),
  );
  for (const { bye, open } of byes) {
    const { code, reconnect } = bye as unknown as { code: string; reconnect: { min: number; max: number } };
    assert.equal(code, "draining");
    assert.ok(reconnect.max > reconnect.min && reconnect.max < GRACE_MS);
    assert.ok(open, "the connection stays for a while");
  }
  const times = byes.map(({ atMs }) => atMs);
  // About half of what the pace makes of it: the first of them may have been read late.
  assert.ok(Math.max(...times) - Math.min(...times) > 1_500, `at ${times.map(Math.round)} ms`);
  // What is connected goes on, until the grace is over.
  await clients[0]!.pub("chat.lobby", "still here");
  const again = await admin.post<Started>("/v1/gateways/g1/drain");
  await admin.refused("conflict", 409, "POST", "/v1/gateways/g2/drain");
  for (const client of clients) await client.closedWith(4000);
  const { code, out } = await run.ended;
  assert.equal(code, 0);
  assert.match(out, /gateway-drain g1 is done .* of \d+/);
  assert.equal((await admin.finished(again.operation.id)).state, "done");
  const ready = await get(`${cluster.process("g1").opsUrl}/readyz`);
  assert.equal(ready.status, 503);
  assert.match(ready.body, /draining/);
  for (let i = 0; i < 5; i++) assert.equal((await cluster.connect(`late-${i}`)).gateway, "g2");
});

test("a gateway that is started again serves again", async () => {
  cluster.process("g1").kill("SIGTERM");
  await cluster.process("g1").exited;
  await until("g1 to serve", async () => {
    const { gateways } = await admin.get<{ gateways: Json[] }>("/v1/gateways");
    return gateways.some(({ id, draining }) => id === "g1" && draining === false);
  });
  const client = await cluster.connect("alice", { gateway: "g1" });
  await client.pub("chat.lobby", "back");
});

test("a gateway that does not answer is missed by name", async () => {
  const g2 = cluster.process("g2");
  await admin.get("/v1/gateways");
  g2.kill("SIGSTOP");
  try {
    await until("the other one's answer", async () => {
      const { missing } = await admin.get<{ missing: string[] }>("/v1/tenants/demo/users/alice");
      assert.ok(missing.includes("g2"), `missing: ${missing}`);
      return missing.length === 1;
    });
    await until("the same from the command line", async () => {
      const { out, code } = await cli(cluster, "user", "demo", "alice");
      assert.equal(code, 0);
      assert.match(out, /no answer from .*g2/);
      return /no answer from g2:/.test(out);
    });
  } finally {
    g2.kill("SIGCONT");
  }
});

/** Loads are told each second, and forgotten after 3.5 s: for so long the last one is remembered in any case. */
const REMEMBERED_MS = 2_000;

test("a worker that does not answer is missing, and the count says that it is not complete", async () => {
  const { body } = await admin.ask<{ paths: Json }>("GET", "/openapi.json");
  assert.match(JSON.stringify(body), /"complete":/);
  const of = async (cell: string) => {
    const { workers, missing, complete } = await lookAt(cell);
    return { workers, missing, complete };
  };
  const worker = "eu-1-w1";
  await untilQuick("a look while what the worker said last is remembered", async () => {
    await until("its load to be heard, and its answer", async () => (await of("eu-1")).complete === true);
    const stoppedAt = performance.now();
    cluster.process(worker).kill("SIGSTOP");
    try {
      const seen = await of("eu-1");
      if (performance.now() - stoppedAt > REMEMBERED_MS) return false;
      assert.deepEqual(seen, { workers: 0, missing: [worker], complete: false });
      await until("the other one's answer", async () => (await of("us-1")).complete === true);
      return true;
    } finally {
      cluster.process(worker).kill("SIGCONT");
    }
  });
  await until("it to answer again", async () => (await of("eu-1")).complete === true);
});

test("a tail shows what subscribers see, without a gap", async () => {
  const alice = await cluster.connect("alice");
  for (let i = 1; i <= 3; i++) await alice.pub("chat.tailed", i);
  const run = startCli(cluster, "tail", "demo", "chat.tailed", "--rewind", "2", "--json");
  let out = "";
  run.child.stdout!.on("data", (chunk) => {
    out += chunk;
  });
  await until("the past", () => out.includes('"seq":2'));
  for (let i = 4; i <= 50; i++) await alice.pub("chat.tailed", i);
  alice.send({ op: "signal", ch: "chat.tailed", data: "typing" });
  await until("the signal", () => out.includes('"op":"signal"'));
  run.child.kill("SIGINT");
  assert.equal((await run.ended).code, 0);
  const frames = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { op: string; seq: number; m: Json[] });
  const seqs = frames.filter(({ op }) => op === "msg").flatMap(({ seq, m }) => m.map((_, i) => seq + i));
  assert.deepEqual(
    seqs,
    Array.from({ length: 49 }, (_, i) => i + 2),
  );
});

test("the command line: results, errors and exit codes", async () => {
  const published = await cli(cluster, "publish", "demo", "chat.cli", '{"a":1}', "--user", "ops", "--json");
  assert.equal(JSON.parse(published.out).seq, 1);
  assert.match((await cli(cluster, "history", "demo", "chat.cli")).out, /1 .* ops {2}\{"a":1\}/);
  const token = (await cli(cluster, "token", "demo", "cliff", "--caps", "chat.>=sub")).out.trim();
  const client = await cluster.open();
  assert.equal((await client.hello(token)).user, "cliff");
  await until("the gateway's answer", async () => {
    const { out } = await cli(cluster, "user", "demo", "cliff");
    return /1 connection$/m.test(out);
  });
  assert.equal((await cli(cluster, "revoke", "demo", "cliff")).code, 0);
  await client.closedWith(4501);
  for (const [expected, ...args] of [
    [2, "nonsense"],
    [2, "channel", "demo", "no..name"],
    [3, "cells", "--admin-url", "http://127.0.0.1:9", "--admin-token", "x"],
    [4, "publish", "demo", "chat.cli", JSON.stringify("x".repeat(40_000)), "--user", "ops"],
    [5, "drain", "mars-1"],
    [6, "cells", "--admin-token", "wrong"],
  ] as const) {
    const { code, err, out } = await cli(cluster, ...args);
    assert.equal(code, expected, `${args.join(" ")}: ${err}`);
    assert.match(err, /^plexus: .+/);
    assert.equal(out, "");
  }
});
