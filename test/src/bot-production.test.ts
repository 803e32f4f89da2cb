/** A NATS server that takes nobody without a login, with the configuration that the docs show: all of Plexus on it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createUser } from "@nats-io/nkeys";
import type { HistoryMessage } from "@plexus/protocol";
import { freePort } from "@plexus/runtime/testing";
import { connect, type NatsConnection, nkeyAuthenticator } from "nats";
import { Admin, type CliRun, cli, startCli } from "./harness/admin.js";
import { PlainBot, refusalOf } from "./harness/bot.js";
import { TestCluster } from "./harness/cluster.js";
import { heardBy, saidBy } from "./harness/forbidden.js";
import { until, within } from "./harness/wait.js";

const CAPS = "chat.bots.*=sub,pub,history";
/** A server that reads its configuration may leave a connection that is just being made without an answer. */
const CONNECT_TIMEOUT_MS = 2_000;

const folder = mkdtempSync(join(tmpdir(), "plexus-nats-"));
const file = (name: string) => join(folder, name);
const internal = createUser();
let cluster: TestCluster;
let server: ChildProcess;
let watching: CliRun | undefined;
let url: string;

/** The server's own file, as in docs/bots.md; what is included is what an operator starts with. */
async function startServer(): Promise<void> {
  const port = await freePort();
  url = `nats://127.0.0.1:${port}`;
  writeFileSync(file("internal.seed"), new TextDecoder().decode(internal.getSeed()), { mode: 0o600 });
  writeFileSync(
    file("bots.conf"),
    `authorization {\n  users: [\n    { nkey: "${internal.getPublicKey()}" }\n  ]\n}\n`,
  );
  writeFileSync(
    file("nats.conf"),
    `listen: "127.0.0.1:${port}"
max_payload: 1MB
pid_file: "${file("nats.pid")}"
jetstream { store_dir: "${file("jetstream")}" }
include "bots.conf"
`,
  );
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };
  server = spawn("nats-server", ["-c", file("nats.conf")], { stdio: "ignore", env });
  await until("the server takes an internal process", () =>
    login(new TextDecoder().decode(internal.getSeed())).then(
      (nats) => nats.close().then(() => true),
      () => false,
    ),
  );
}

function login(seed: string, bot?: string): Promise<NatsConnection> {
  return connect({
    servers: url,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    ...(bot === undefined ? {} : { inboxPrefix: `_INBOX.demo.${bot}` }),
    reconnectTimeWait: 100,
    timeout: CONNECT_TIMEOUT_MS,
  });
}

before(async () => {
  await startServer();
  cluster = new TestCluster({
    admin: true,
    natsUrl: url,
    env: { PLEXUS_NATS_NKEY_SEED_FILE: file("internal.seed") },
  });
  await cluster.start();
});
after(async () => {
  watching?.child.kill("SIGINT");
  await watching?.ended;
  await cluster?.stop();
  server.kill();
  rmSync(folder, { recursive: true, force: true });
});

test("nobody comes in without a login, and the product runs", async () => {
  await assert.rejects(connect({ servers: url }), /authorization/i);
  const ada = await cluster.connect("ada");
  await ada.sub("chat.bots.a");
  await ada.pub("chat.bots.a", "hello");
  await until("the message", () => ada.channel("chat.bots.a").received.length === 1);
});

test("the file is kept as it has to be, and a bot comes and goes within seconds", async () => {
  const [conf, pid] = [file("bots.conf"), file("nats.pid")];
  watching = startCli(cluster, "bot", "config", "--watch", "--file", conf, "--pid-file", pid);
  await until("the admin API knows the file", () => readFileSync(conf, "utf8").includes("Made by Plexus"));
  const seedFile = file("reader.seed");
  const made = await cli(cluster, "bot", "create", "demo", "reader", "--caps", CAPS, "--out", seedFile);
  assert.equal(made.code, 0, made.err);
  const seed = readFileSync(seedFile, "utf8").trim();
  const nats = await until("the bot may log in", () => login(seed, "reader").catch(() => undefined));
  assert.equal((await cli(cluster, "bot", "config")).out, readFileSync(conf, "utf8"));
  assert.ok(!readFileSync(conf, "utf8").includes(seed));

  const bot = new PlainBot(nats, "reader");
  await bot.ok("publish", "chat.bots.b", { data: "hello" });
  const { messages } = await bot.ok<{ messages: HistoryMessage[] }>("history", "chat.bots.b");
  assert.equal(messages.length, 1);
  const everything = await login(new TextDecoder().decode(internal.getSeed()));
  assert.deepEqual(await saidBy(nats, everything), []);
  assert.deepEqual(await heardBy(nats), []);
  await everything.close();

  await new Admin(cluster).ask("DELETE", "/v1/tenants/demo/bots/reader");
  await within("the end of its connection", nats.closed());
  assert.match(await refusalOf(() => login(seed, "reader")), /authorization/i);
  // Those who stayed have not been disturbed.
  const ada = await cluster.connect("ada");
  await ada.pub("chat.bots.a", "still here");
});
