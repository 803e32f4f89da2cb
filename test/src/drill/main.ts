/** `npm run drill`: see `--help`. Exit code 0: all is well; 1: something was lost, or the like; 2: misused. */
import { CHANGES } from "./changes.js";
import { runDrill } from "./drill.js";
import { type CommandLine, readCommandLine, usage } from "./options.js";

function commandLine(): CommandLine | undefined {
  try {
    const line = readCommandLine(process.argv.slice(2));
    if (line.help || line.drill === undefined) {
      console.log(usage(CHANGES));
      if (!line.help) process.exitCode = 2;
      return undefined;
    }
    if (line.drill !== "smoke" && CHANGES[line.drill] === undefined)
      throw new Error(`there is no drill ${line.drill}; see npm run drill -- --help`);
    return line;
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
    return undefined;
  }
}

const line = commandLine();
if (line !== undefined) {
  const { drill, options, json } = line;
  const ended = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => ended.abort());
  const say = (text: string) => json || console.log(text);
  try {
    const report = await runDrill(drill!, options, say, ended.signal);
    console.log(json ? JSON.stringify(report) : JSON.stringify(report, null, 2));
    process.exitCode = report.ok ? 0 : 1;
  } catch (error) {
    console.error(ended.signal.aborted ? "interrupted" : error);
    process.exit(1); // an interrupted drill may still wait for something
  }
}
