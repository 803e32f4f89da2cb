/** `npm run compare`: see `--help`. Exit code 0: everything arrived at Plexus's clients; 1: not so; 2: misused. */
import { runProgram } from "../harness/command-line.js";
import { compare } from "./compare.js";
import { readCompareLine, usage } from "./options.js";
import { tableOf } from "./table.js";

await runProgram(
  (args) => {
    const line = readCompareLine(args);
    if (!line.help) return line;
    console.log(usage());
    return undefined;
  },
  ({ options }, say, ended) => compare(options, say, ended),
  (report: Awaited<ReturnType<typeof compare>>) => `\n${tableOf(report)}`,
);
