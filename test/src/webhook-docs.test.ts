/** The receivers and the commands of docs/webhooks.md, as a stranger would try them. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "@plexus/runtime/testing";
import { Admin, cli } from "./harness/admin.js";
import { clusterForFile, type TestCluster } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

const text = readFileSync(new URL("../../docs/webhooks.md", import.meta.url), "utf8");
const cluster = clusterForFile({
  admin: true,
  hooks: true,
  hooksEnv: { PLEXUS_WEBHOOK_RETRY_FIRST_MS: "50", PLEXUS_WEBHOOK_RETRY_MAX_MS: "200" },
});
const admin = new Admin(cluster);

function block(language: string, mark = "receiver"): string {
  return new RegExp(`\`\`\`${language} ${mark}\\n([\\s\\S]*?)\`\`\``).exec(text)![1]!;
}

/** The settings that the document shows, with the receiver where it listens. */
function settings(port: number): string {
  const shown = /<<'JSON'\n([\s\S]*?)\nJSON/.exec(text)![1]!;
  return shown.replace(":9000", `:${port}`);
}

async function tryReceiver(running: TestCluster, program: string, file: string, code: string): Promise<void> {
  const folder = join(running.dataDir, "receivers");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), code);
  const port = await freePort();
  const tenant = "demo";
  writeFileSync(join(folder, "demo.json"), settings(port));
  const put = await cli(running, "tenant", "put", tenant, "--file", join(folder, "demo.json"));
  assert.equal(put.code, 0, put.err);
  const { secret } = JSON.parse(settings(port)).webhooks[0];
  const child = spawn(program, [join(folder, file)], {
    env: { ...process.env, SECRET: secret, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk;
    });
    await until("the webhook to be known", async () => {
      const { webhooks } = await admin.get<{ webhooks: Array<{ state: string }> }>(
        `/v1/tenants/${tenant}/webhooks`,
      );
      return webhooks.some(({ state }) => state !== "new");
    });
    const said = `hello ${program}`;
    await cli(running, "publish", tenant, "chat.lobby", JSON.stringify(said), "--user", "me");
    await until("the message", () => out.includes(`published chat.lobby ${JSON.stringify(said)}\n`));
    await until("the list to say so", async () =>
      /billing +delivering/.test((await cli(running, "webhook", "list", tenant)).out),
    );

    const forged = await fetch(`http://127.0.0.1:${port}/plexus`, {
      method: "POST",
      headers: { "plexus-timestamp": String(Math.floor(Date.now() / 1_000)), "plexus-signature": "v1=00" },
      body: '{"batch":[]}',
    });
    assert.equal(forged.status, 401);
  } finally {
    child.kill();
    await once(child, "exit");
  }
}

test("the receiver in Node takes what is signed, and nothing else", () =>
  tryReceiver(cluster, process.execPath, "receiver.mjs", block("js")));

// Where there is Python.
if (spawnSync("python3", ["--version"]).status === 0)
  test("the receiver in Python takes what is signed, and nothing else", () =>
    tryReceiver(cluster, "python3", "receiver.py", block("python")));

test("the follower keeps its place in the stream", async () => {
  const file = fileURLToPath(new URL("follower.mjs", import.meta.url));
  const follower = block("js", "follower");
  writeFileSync(file, follower);
  const alice = await cluster.connect("alice");
  let [count, out] = [0, ""];
  try {
    for (const ch of ["chat.f1", "chat.f2"]) {
      await alice.sub(ch);
      const child = spawn(process.execPath, [file], {
        env: { ...process.env, NATS_URL: cluster.dev.natsUrl },
        stdio: ["ignore", "pipe", "inherit"],
      });
      child.stdout.on("data", (chunk: Buffer) => {
        out += chunk;
      });
      await until(`occupied ${ch}`, () => out.includes(`occupied ${ch} `));
      count++;
      child.kill();
      await once(child, "exit");
    }
  } finally {
    rmSync(file);
  }
  assert.deepEqual([count, out.split("occupied chat.f1 ").length - 1], [2, 1], "told again after a restart");
});

test("the example of an event has the fields of a real one", () => {
  const shown = JSON.parse(/```json\n(\{"id":"g1-.*\})\n```/.exec(text)![1]!);
  assert.deepEqual(Object.keys(shown).sort(), [
    ...["ch", "conn", "gateway", "id", "kind", "source", "sub", "tenant", "ts", "user"],
  ]);
});
