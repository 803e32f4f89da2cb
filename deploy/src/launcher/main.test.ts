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

test("an unknown flag is exit code 2, and says where all flags are", () => {
  const { status, stderr } = launch("--nope");
  assert.equal(status, 2);
  assert.equal(stderr, "--nope is unknown\nAll flags: npm start -- --help\n");
});

test("a data folder that can't be made is exit code 1, and says what to do", () => {
  const { status, stderr } = launch("--port", "0", "--admin-port", "0", "--data", MAIN);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^\S+main\.js\S+ can't be made \(ENOTDIR\): name another data folder with --data\.\n$/,
  );
});
