/** The programs and commands of docs/auth.md do what it says. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "@plexus/runtime/testing";
import { clusterForFile } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(ROOT, "docs/auth.md"), "utf8");
// Inside of the repository, so that its packages are found as they are from the root of a clone.
const folder = fileURLToPath(new URL("auth-docs/", import.meta.url));
const ports = new Map<string, string>();
const ends: Array<() => void> = [];

const cluster = clusterForFile({ admin: true });

before(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const port of ["8081", "8082", "9000", "9001"]) ports.set(port, String(await freePort()));
});
after(() => {
  for (const end of ends) end();
  rmSync(folder, { recursive: true, force: true });
});

/** With this cluster's addresses in place of the usual ones. */
function here(source: string): string {
  let own = source.replaceAll("ws://127.0.0.1:8080", cluster.dev.url.replace("http", "ws"));
  for (const [usual, port] of ports) own = own.replaceAll(usual, port);
  return own;
}

/** The code blocks with this first word, in order. */
function blocks(mark: string): string[] {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${mark}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))];
  assert.ok(found.length > 0, `docs/auth.md has a block of ${mark}`);
  return found.map(([, body]) => here(body!));
}

function putPrograms(): void {
  for (const [, name] of page.matchAll(/^```(?:js|python) (\S+)$/gm))
    writeFileSync(join(folder, name!), blocks(`(?:js|python) ${name}`)[0]!);
  for (const name of ["gateway", "node_modules"]) symlinkSync(join(ROOT, name), join(folder, name));
  symlinkSync(cluster.dataDir, join(folder, ".plexus"));
}

/** Runs lines of a shell in the folder; what they leave running ends with the test. */
async function shell(script: string): Promise<string> {
  const child = spawn("sh", ["-c", script], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  ends.push(() => {
    try {
      process.kill(-child.pid!);
    } catch (error) {
      // Nothing of it runs any more.
      assert.equal((error as NodeJS.ErrnoException).code, "ESRCH");
    }
  });
  const [out] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return out;
}

/** The first of the page's commands that hold these words. */
function commands(words: string): string {
  const found = blocks("sh").find((block) => block.includes(words));
  assert.ok(found, words);
  return found;
}

/** What a gateway says to a token, asked again until it is there. */
function welcome(program: string, port?: string): Promise<string> {
  const url = port === undefined ? "" : `ws://127.0.0.1:${ports.get(port)}/v1/connect`;
  return until("a welcome", async () => {
    const said = await shell(
      `${commands("node issue.mjs ada\n")} >/dev/null; node hello.mjs ${program} ${url} 2>/dev/null`,
    );
    return said.includes('"op":"welcome"') && said.includes('"user":"ada"') && said;
  });
}

test("a token of the secret is taken", async () => {
  putPrograms();
  const said = await welcome("$(node issue.mjs ada)");
  assert.match(said, /1000\n$/);
  assert.match(await shell(`node hello.mjs nonsense`), /"code":"unauthorized"[\s\S]*4501/);
});

test("a token of a key pair is taken by a gateway that has the JWKS, also after the key has been changed", async () => {
  const start = commands("node keys.mjs\n").replaceAll(" &\n", " >/dev/null 2>&1 &\n");
  await shell(start.replace("PLEXUS_GATEWAY_ID=mine", "PLEXUS_JWKS_COOL_DOWN_MS=100 $&"));
  await welcome("$(node sign.mjs ada)", "8081");
  await shell("node keys.mjs");
  await welcome("$(node sign.mjs ada)", "8081");
  const said = await shell("node hello.mjs $(node sign.mjs ada)");
  assert.match(said, /4501/, "the others do not know the keys");
});

test("a tenant gets keys of its own", async () => {
  const [set, show] = commands("tenant set")
    .replaceAll("npx plexus", "npx --no-install plexus")
    .trim()
    .split("\n");
  await shell(set!);
  const shown = await shell(show!);
  assert.ok(shown.includes("2026-11"), shown);
  assert.ok(!shown.includes("a-secret-of-acme"), shown);
});

test("the example of a hook answers for a session", async () => {
  await shell(commands("node hook.mjs").replaceAll(" &\n", " >/dev/null 2>&1 &\n"));
  await welcome("session-of-ada", "8082");
  const said = await shell(here("node hello.mjs session-of-nobody ws://127.0.0.1:8082/v1/connect"));
  assert.match(said, /"code":"unauthorized"[\s\S]*4501/);
});

test("what is revoked is refused", async () => {
  const byUser = commands("plexus revoke")
    .split("\n")[0]!
    .replaceAll("npx plexus", "npx --no-install plexus");
  const token = (await shell(commands("node issue.mjs ada\n"))).trim();
  await shell(byUser);
  const said = await until("the refusal", async () => {
    const answer = await shell(`node hello.mjs ${token}`);
    return answer.includes("4501") && answer;
  });
  assert.match(said, /revoked/);
});
