/** `npm run drill`: see `--help`. Exit code 0: all is well; 1: something was lost, or the like; 2: misused. */
import { runProgram } from "../harness/command-line.js";
import { CHANGES } from "./changes.js";
import { ROWS, runDrill } from "./drill.js";
import { runNeighbour } from "./noisy/neighbour.js";
import { readCommandLine, usage } from "./options.js";

/** No change of a cluster. */
const NEIGHBOUR = "noisy-neighbour";

await runProgram(
  (args) => {
    const line = readCommandLine(args);
    const { drill } = line;
    if (line.help || drill === undefined) {
      console.log(usage(CHANGES));
      if (!line.help) process.exitCode = 2;
      return undefined;
    }
    if (drill !== NEIGHBOUR && ROWS[drill] === undefined && CHANGES[drill] === undefined)
      throw new Error(`there is no drill ${drill}; see npm run drill -- --help`);
    return { ...line, drill };
  },
  ({ drill, options }, say, ended): Promise<{ ok: boolean }> =>
    drill === NEIGHBOUR ? runNeighbour(options, say, ended) : runDrill(drill, options, say, ended),
);
