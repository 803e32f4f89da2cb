/** The programs and the call that README.md shows do what it says. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { clusterForFile } from "./harness/cluster.js";
import { until, within } from "./harness/wait.js";

const cluster = clusterForFile({ admin: true, demo: true });
const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
// Inside of the repository, so that its packages are found as they are from the root of a clone.
const folder = fileURLToPath(new URL("readme/", import.meta.url));
const programs: Program[] = [];

cluster.beforeStop(async () => {
  for (const program of programs) await program.end();
});

interface Program {
  readonly input: ChildProcessWithoutNullStreams["stdin"];
  readonly exited: Promise<number | null>;
  output(): string;
  end(): Promise<void>;
}

function block(mark: string): string {
  const [, body] = new RegExp(`^\`\`\`${mark}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(readme) ?? [];
  assert.ok(body, `README.md has a block \`\`\`${mark}`);
  return body;
}

/** Runs a program of the README, with this cluster's addresses in place of the usual ones. */
function start(name: string, ...args: string[]): Program {
  const own = block(`js ${name}`)
    .replaceAll("http://127.0.0.1:8080", cluster.dev.url)
    .replaceAll(".plexus/dev.json", join(cluster.dataDir, "dev.json"));
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, own);
  const child = spawn(process.execPath, [file, ...args], { stdio: "pipe" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const end = async () => {
    child.kill();
    await exited;
  };
  const program = { input: child.stdin, exited, output: () => output, end };
  programs.push(program);
  return program;
}

test("the client publishes and receives, the bot reads along", async () => {
  const bot = start("bot");
  const client = start("client", "ada");
  await until("the client to be here", () => client.output().includes("* ada is here"));
  // The bot says nothing when its subscription begins, so it is told something until it hears.
  let said = 0;
  await until("the bot to hear", async () => {
    client.input.write(`hello ${++said}\n`);
    await until("the answer", () => client.output().includes(`* stored as ${said}\n`));
    return /^chat\.lobby \d+ ada \{"text":"hello \d+"\}$/m.test(bot.output());
  });
  await until("all of it to come back", () => client.output().includes(`${said} ada: hello ${said}\n`));
  client.input.end();
  assert.equal(await within("the client to end", client.exited), 0, client.output());
  assert.match(client.output(), /^\* connecting\n\* connected\n/);
  assert.match(client.output(), /\* closed\n$/);
});

test("the call of the admin API publishes, and the same again is answered with the same position", async () => {
  const call = block("sh\\nTOKEN=[^\\n]*").replaceAll("\\\n", " ");
  const [, body] = /-d '([^']+)'/.exec(call)!;
  const [, path] = /http:\/\/127\.0\.0\.1:9080(\S+)/.exec(call)!;
  const publish = async () => {
    const response = await fetch(`${cluster.dev.adminUrl}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${cluster.dev.adminToken}`, "content-type": "application/json" },
      body: body!,
    });
    assert.equal(response.status, 200);
    return (await response.json()) as Record<string, unknown>;
  };
  const first = await publish();
  const shown = JSON.parse(/^```json\n(\{"epoch".*\})$/m.exec(readme)![1]!);
  assert.deepEqual(Object.keys(first), Object.keys(shown));
  assert.deepEqual(await publish(), { ...first, dup: true });
});
