/** The examples of docs/bots.md, as their readers run them. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { clusterForFile } from "./harness/cluster.js";
import type { RawClient } from "./harness/raw-client.js";
import { until } from "./harness/wait.js";

const cluster = clusterForFile({ workers: 2 });
const running = new Set<ChildProcess>();
cluster.beforeStop(async () => {
  for (const child of running) await end(child, "SIGKILL");
});

/** Runs an example until it says that it is there. */
async function run(name: string, channel: string): Promise<ChildProcess> {
  const file = fileURLToPath(new URL(`examples/${name}.js`, import.meta.url));
  const env = { ...process.env, NATS_URL: cluster.dev.natsUrl, CHANNEL: channel };
  const child = spawn(process.execPath, [file], { env, stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  await until(`${name} is there`, () => said.includes(`is in ${channel}`));
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

function texts(client: RawClient, ch: string, user: string): string[] {
  return client
    .channel(ch)
    .received.filter((message) => message.user === user)
    .map(({ data }) => (data as { text: string }).text);
}

test("the bot of the demo chat is 60 lines, answers, and answers what it missed, once", async () => {
  const source = readFileSync(new URL("../src/examples/demo-bot.ts", import.meta.url), "utf8");
  assert.ok(source.split("\n").length <= 60);
  const ch = "chat.lobby";
  const ada = await cluster.connect("ada");
  await ada.sub(ch, { presence: true });
  let bot = await run("demo-bot", ch);
  const answers = () => texts(ada, ch, "bot:dealer");
  await until("it is present", async () =>
    (await ada.presence(ch)).members.some(({ user }: { user: string }) => user === "bot:dealer"),
  );
  await ada.pub(ch, { text: "!hello" });
  await until("its answer", () => answers().length === 1);
  await end(bot, "SIGKILL");
  for (const text of ["!roll 20", "nothing of interest", "!unknown", "!pick tea"])
    await ada.pub(ch, { text });
  bot = await run("demo-bot", ch);
  await until("its answers", () => answers().length === 3);
  await end(bot, "SIGTERM");
  await until("it has left", async () =>
    (await ada.presence(ch)).members.every(({ user }: { user: string }) => user !== "bot:dealer"),
  );
  bot = await run("demo-bot", ch);
  await ada.pub(ch, { text: "!pick coffee" });
  await until("the last answer", () => answers().includes("coffee"));
  assert.deepEqual([answers()[0], answers().slice(2)], ["Hello ada!", ["tea", "coffee"]]);
  assert.match(answers()[1]!, /^🎲 \d+$/);
  await end(bot, "SIGTERM");
});

test("the one with a plain NATS client does the same", async () => {
  const ch = "chat.plain";
  const ada = await cluster.connect("ada");
  await ada.sub(ch);
  const pongs = () => texts(ada, ch, "bot:ponger").length;
  let bot = await run("plain-bot", ch);
  await ada.pub(ch, { text: "ping" });
  await until("a pong", () => pongs() === 1);
  await end(bot, "SIGKILL");
  for (let i = 0; i < 5; i++) await ada.pub(ch, { text: "ping" });
  bot = await run("plain-bot", ch);
  await until("pongs for all", () => pongs() === 6);
  await ada.pub(ch, { text: "ping" });
  await until("the last pong", () => pongs() === 7);
  await end(bot, "SIGKILL");
});
