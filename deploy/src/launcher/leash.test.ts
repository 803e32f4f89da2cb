import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isAlive } from "@plexus/runtime/testing";
import { eventually } from "./fixtures/helpers.js";

const LEASH = fileURLToPath(new URL("leash.js", import.meta.url));
/** Says that it runs, and never ends by itself; it inherits no pipe whose end it would notice. */
const PROGRAM = "setInterval(() => {}, 1e6); console.log('runs')";

async function startLeash(code: string) {
  const leash = spawn(process.execPath, [LEASH, process.execPath, "-e", code], {
    stdio: ["pipe", "pipe", "inherit", "ipc"],
  });
  const ended = once(leash, "exit");
  const [message] = (await once(leash, "message")) as [{ pid: number }];
  return { leash, pid: message.pid, ended };
}

test("when its standard input ends, so does the program", async () => {
  const { leash, pid, ended } = await startLeash(PROGRAM);
  await once(leash.stdout!, "data");
  assert.ok(isAlive(pid));
  leash.stdin!.end();
  assert.deepEqual(await ended, [null, "SIGTERM"]);
  assert.equal(isAlive(pid), false);
});

test("SIGTERM is passed on, and the program's exit code is the leash's", async () => {
  const { leash, pid, ended } = await startLeash(`process.on('SIGTERM', () => process.exit(5)); ${PROGRAM}`);
  await once(leash.stdout!, "data");
  leash.kill("SIGTERM");
  assert.deepEqual(await ended, [5, null]);
  assert.equal(isAlive(pid), false);
});

test("a program that is killed ends the leash with the same signal", async () => {
  const { pid, ended } = await startLeash(PROGRAM);
  process.kill(pid, "SIGKILL");
  assert.deepEqual(await ended, [null, "SIGKILL"]);
});

test("a program that does not exist is exit code 127", async () => {
  const leash = spawn(process.execPath, [LEASH, "/nonexistent/broker"], {
    stdio: ["pipe", "ignore", "pipe", "ipc"],
  });
  let said = "";
  leash.stderr!.on("data", (data) => {
    said += data;
  });
  const [code] = await once(leash, "close");
  assert.equal(code, 127);
  assert.match(said, /\/nonexistent\/broker cannot be run/);
});

test("the program ends although it ignores SIGTERM", async () => {
  const { leash, pid } = await startLeash(`process.on('SIGTERM', () => {}); ${PROGRAM}`);
  await once(leash.stdout!, "data");
  leash.stdin!.end();
  await eventually(() => !isAlive(pid));
});
