/**
 * Runs one program that does not watch its standard input, and ends it when this process's own standard input ends,
 * that is, when the launcher dies, in whatever way. Brokers are run like this; Plexus's own processes do it themselves.
 *
 * Usage: node leash.js <program> [arguments]
 *
 * The program's pid is sent to the launcher as soon as it is known. The leash ends as the program ended, with its
 * exit code or by its signal.
 */
import { spawn } from "node:child_process";

/** From SIGTERM to SIGKILL once the launcher is gone. */
const PATIENCE_MS = 5_000;

const [program, ...args] = process.argv.slice(2);
if (program === undefined) throw new Error("no program given");

const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
child.once("error", (error) => {
  process.stderr.write(`${program} cannot be run: ${error.message}\n`);
  process.exit(127);
});
child.once("exit", (code, signal) => {
  process.removeAllListeners();
  if (signal !== null) process.kill(process.pid, signal);
  // Where the signal is one that this process survives (or has not arrived yet), the usual code for it.
  setTimeout(() => process.exit(code ?? 128), signal === null ? 0 : 100);
});
if (child.pid !== undefined) process.send?.({ pid: child.pid }, () => process.disconnect());

process.stdin.resume();
process.stdin.once("error", endChild);
process.stdin.once("close", endChild);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));

function endChild(): void {
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS).unref();
}
