/** `npm run bench`: see `--help`. Exit code 0 once everything was measured, whatever came out; 2: misused. */
import { runProgram } from "../harness/command-line.js";
import { BENCHES } from "./benches/index.js";
import { readOptions, usage } from "./options.js";
import { runBenches } from "./run.js";

await runProgram(
  (args) => {
    const options = readOptions(args, Object.keys(BENCHES));
    if (options === undefined) console.log(usage(BENCHES));
    return options;
  },
  (options, say, ended) => runBenches(options, say, ended),
  () => "",
);
