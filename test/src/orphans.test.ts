/** Nothing stays behind when the launcher is killed and can stop nothing any more. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type DevFile, devFilePath } from "@plexus/deploy/launcher";
import { isAlive } from "@plexus/runtime/testing";
import { until, within } from "./harness/wait.js";

const LAUNCHER = fileURLToPath(new URL("main.js", import.meta.resolve("@plexus/deploy/launcher")));
/** An orderly stop may take 15 s, after which a process ends itself. */
const GONE_WITHIN_MS = 20_000;

test("every process ends when its launcher is killed", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "plexus-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const args = ["--data", folder, "--port", "0", "--admin-port", "0", "--cells", "eu-1"];
  // Many lines, so that some are being written when nobody reads them any more.
  const env = { ...process.env, PLEXUS_LOG_LEVEL: "trace" };
  const launcher = spawn(process.execPath, [LAUNCHER, ...args], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => launcher.kill("SIGKILL"));
  const exited = new Promise((resolve) => launcher.once("exit", resolve));
  let output = "";
  launcher.stdout.on("data", (data) => {
    output += data;
  });
  await until("the cluster to be ready", () => output.includes("Plexus is ready"), 60_000);
  const { processes } = JSON.parse(readFileSync(devFilePath(folder), "utf8")) as DevFile;
  assert.ok(processes.length >= 6);
  const alive = () => processes.filter(({ pid }) => isAlive(pid)).map(({ id }) => id);
  assert.equal(alive().length, processes.length);
  launcher.kill("SIGKILL");
  await within("the launcher's end", exited);
  await until("everything to end", () => alive().length === 0, GONE_WITHIN_MS).catch((cause) => {
    for (const { pid } of processes.filter(({ id }) => alive().includes(id))) process.kill(pid, "SIGKILL");
    throw cause;
  });
});
