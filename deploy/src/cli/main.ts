import type { Terminal } from "./command.js";
import { EXIT } from "./errors.js";
import { runCli } from "./run.js";

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
// A reader that has seen enough, as `head` does, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.failed);
});

const { stdout, stderr } = process;
const CLEAR_LINE = "\r\u001b[K";
let statusShown = false;

const terminal: Terminal = {
  out: (line) => stdout.write(`${line}\n`),
  note: (line) => stderr.write(`${line}\n`),
  status: (line) => {
    if (statusShown || line !== "") stderr.write(CLEAR_LINE + line);
    statusShown = line !== "";
  },
  isInteractive: stderr.isTTY === true,
  env: process.env,
  cwd: process.cwd(),
  signal: interrupted.signal,
  now: Date.now,
};

process.exitCode = await runCli(process.argv.slice(2), terminal);
