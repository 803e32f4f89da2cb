/** `npm run chaos`: see `--help`. Exit code 0: no promise was broken; 1: one was; 2: misused. */
import { runProgram } from "../harness/command-line.js";
import { runChaos } from "./chaos.js";
import { chaosUsage, readChaosLine } from "./options.js";

await runProgram(
  (args) => {
    const line = readChaosLine(args);
    if (!line.help) return line;
    console.log(chaosUsage());
    return undefined;
  },
  (line, say, ended) => runChaos(line, say, ended),
);
