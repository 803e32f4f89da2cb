// `npm test [-- words]`: sets up what is missing, then one run of Node's test runner over all compiled tests, or over
// those whose path contains one of the words. Options (`--test-name-pattern=…`) go to the runner as they are.

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { prepare, root } from "./prepare.mjs";
import { testFiles } from "./test-files.mjs";
import { asCommand, SetupError } from "./visibly.mjs";

// Cross-process tests start whole clusters, and then wait for most of the time: for leases, graces, processes that
// come back. One more than processors keeps these busy, without making whatever has a deadline late.
const FILES_AT_ONCE = Math.max(3, availableParallelism() + 1);
// For one test, and for a whole file as well: the runner counts a file as a test around its tests. The longest (drills,
// benchmarks) take two minutes and a half of a slow machine that does nothing else; this is to end what hangs.
const TEST_TIMEOUT_MS = 420_000;

await asCommand(async () => {
  const args = process.argv.slice(2);
  const { chromium } = await prepare({ brokers: ["nats-server", "redis-server"], chromium: true });
  const words = args.filter((arg) => !arg.startsWith("-"));
  const files = testFiles(root, words);
  if (files.length === 0) throw new SetupError(`No test file has ${words.join(" or ")} in its path.`);
  process.exitCode = await runTests(
    files,
    args.filter((arg) => arg.startsWith("-")),
    chromium,
  );
});

/** @returns {Promise<number>} the runner's exit code */
async function runTests(files, options, chromium) {
  const env = { ...process.env, ...(chromium && { CHROMIUM_PATH: chromium }) };
  if (process.stdout.isTTY) env.FORCE_COLOR ??= "1"; // the reporter writes into a pipe and can't tell
  const reporter = new URL("test-reporter.mjs", import.meta.url);
  const runner = spawn(
    process.execPath,
    [
      "--test",
      `--test-concurrency=${FILES_AT_ONCE}`,
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      `--test-reporter=${reporter}`,
      "--test-reporter-destination=stdout",
      ...options,
      ...files.map((file) => join(root, file)),
    ],
    { cwd: root, env, stdio: "inherit" },
  );
  // A terminal's Ctrl-C reaches the runner by itself, a `kill` of this process does not. Either way the runner ends
  // first: it stops its test files, and they stop what they started.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => runner.kill(signal));
  return await new Promise((resolve, reject) => {
    runner.once("error", reject);
    runner.once("close", (code) => resolve(code ?? 1));
  });
}
