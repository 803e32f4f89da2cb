import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { test } from "node:test";

/** A process that connects to NATS as all of them do, and nothing else. */
const PROGRAM = `
const { connectNats, createLogger, runProcess } = await import(process.argv[1]);
const log = createLogger("gateway", "g1", "info");
await runProcess(log, { exitWithStdin: false }, () => connectNats(process.argv[2], "g1", log));
`;

test("a process whose NATS is away says so, without the password, and ends when it is told to", async (t) => {
  const refusing = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
  t.after(() => refusing.close());
  const { port } = refusing.address() as { port: number };
  const args = [new URL("index.js", import.meta.url).href, `nats://me:secret@127.0.0.1:${port}`];
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM, ...args], { stdio: "pipe" });
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  const isSaid = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        output += String(chunk);
        if (output.includes("NATS does not answer yet")) resolve();
      });
    child.once("close", () => reject(new Error(`it has ended: ${output}`)));
    AbortSignal.timeout(60_000).addEventListener("abort", () => reject(new Error(`it said: ${output}`)));
  });
  await isSaid;
  assert.match(output, new RegExp(`"servers":"nats://127.0.0.1:${port}"`));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.kill("SIGTERM");
  assert.equal(await ended, 0, output);
  assert.match(output, /ended before it had started/);
});
