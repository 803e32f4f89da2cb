/** `npm run chaos`: see `--help`. Exit code 0: no promise was broken; 1: one was; 2: misused. */
import { runChaos } from "./chaos.js";
import { chaosUsage, readChaosLine } from "./options.js";

function commandLine() {
  try {
    const line = readChaosLine(process.argv.slice(2));
    if (!line.help) return line;
    console.log(chaosUsage());
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
  return undefined;
}

const line = commandLine();
if (line !== undefined) {
  const ended = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => ended.abort());
  const say = (text: string) => line.json || console.log(text);
  try {
    const report = await runChaos(line, say, ended.signal);
    console.log(line.json ? JSON.stringify(report) : JSON.stringify(report, null, 2));
    process.exitCode = report.ok ? 0 : 1;
  } catch (error) {
    console.error(ended.signal.aborted ? "interrupted" : error);
    process.exit(1); // what was interrupted may still wait for something
  }
}
