// `npm run bench`: measures Plexus beside the limits of what it stands on. See test/src/bench/.

import { runProgram } from "./program.mjs";

await runProgram("bench");
