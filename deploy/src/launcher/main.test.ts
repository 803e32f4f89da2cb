import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("main.js", import.meta.url));

function launch(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", timeout: 20_000 });
}

test("--help explains and ends well", () => {
  const { status, stdout } = launch("--help");
  assert.equal(status, 0);
  assert.match(stdout, /Usage: npm start -- \[flags\]/);
});

test("an unknown flag is exit code 2, with the help", () => {
  const { status, stderr } = launch("--nope");
  assert.equal(status, 2);
  assert.match(stderr, /^--nope is unknown\n\n.*--port PORT/s);
});
