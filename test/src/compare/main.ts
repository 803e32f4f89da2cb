/** `npm run compare`: see `--help`. Exit code 0: everything arrived at Plexus's clients; 1: not so; 2: misused. */
import { compare } from "./compare.js";
import { type CompareLine, readCompareLine, usage } from "./options.js";
import { tableOf } from "./table.js";

function commandLine(): CompareLine | undefined {
  try {
    const line = readCompareLine(process.argv.slice(2));
    if (!line.help) return line;
    console.log(usage());
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
  try {
    const report = await compare(line.options, (text) => line.json || console.log(text), ended.signal);
    console.log(line.json ? JSON.stringify(report) : `\n${tableOf(report)}`);
    process.exitCode = report.ok ? 0 : 1;
  } catch (error) {
    console.error(ended.signal.aborted ? "interrupted" : error);
    process.exitCode = 1;
  }
}
