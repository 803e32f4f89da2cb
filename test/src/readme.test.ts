/** The programs and the call that README.md and the quick start show do what they say. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { clusterForFile } from "./harness/cluster.js";
import { until, within } from "./harness/wait.js";

const cluster = clusterForFile({ admin: true, demo: true });
const read = (page: string) => readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
const readme = read("README.md");
const quickstart = read("docs/quickstart.md");
// Inside of the repository, so that its packages are found as they are from the root of a clone.
const folder = fileURLToPath(new URL("readme/", import.meta.url));
const LOBBY = "/v1/tenants/demo/channels/chat.lobby/messages";
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

function block(mark: string, page = readme): string {
  const [, body] = new RegExp(`^\`\`\`${mark}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(page) ?? [];
  assert.ok(body, `there is a block \`\`\`${mark}`);
  return body;
}

/** Runs a program of a page, with this cluster's addresses in place of the usual ones. */
function start(name: string, { args = [], page = readme }: { args?: string[]; page?: string } = {}): Program {
  const own = block(`js ${name}`, page)
    .replaceAll("127.0.0.1:8080", cluster.dev.url.replace("http://", ""))
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

async function publish(path: string, body: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${cluster.dev.adminUrl}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${cluster.dev.adminToken}`, "content-type": "application/json" },
    body,
  });
  assert.equal(response.status, 200);
  return (await response.json()) as Record<string, unknown>;
}

test("the client publishes and receives, the bot reads along", async () => {
  const bot = start("bot");
  const client = start("client", { args: ["ada"] });
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

test("the clients show what is no text as JSON, and the clock goes on after it", async () => {
  const client = start("client", { args: ["bea"] });
  await until("bea to be here", () => client.output().includes("* bea is here"));
  const chat = start("chat.mjs", { args: ["cleo"], page: quickstart });
  await until("cleo to be here", () => client.output().includes("* cleo is here"));
  const clock = start("bot.mjs", { page: quickstart });
  await until("the clock", () => clock.output().includes("* listening"));
  for (const data of [{ temperature: 21 }, null, ["a"], { text: "!time" }])
    await publish(LOBBY, JSON.stringify({ user: "ada", data }));
  for (const { output } of [client, chat]) {
    await until("the time", () => /\d+ bot:clock: \d+:/.test(output()));
    for (const shown of ['{"temperature":21}', "null", '["a"]', "!time"])
      assert.ok(output().includes(` ada: ${shown}\n`), output());
    assert.doesNotMatch(output(), /undefined/);
  }
});

test("the call of the admin API publishes, and the same again is answered with the same position", async () => {
  const call = block("sh\\nTOKEN=[^\\n]*").replaceAll("\\\n", " ");
  const [, body] = /-d '([^']+)'/.exec(call)!;
  const [, path] = /http:\/\/127\.0\.0\.1:9080(\S+)/.exec(call)!;
  const first = await publish(path!, body!);
  const shown = JSON.parse(/^```json\n(\{"epoch".*\})$/m.exec(readme)![1]!);
  assert.deepEqual(Object.keys(first), Object.keys(shown));
  assert.deepEqual(await publish(path!, body!), { ...first, dup: true });
});
