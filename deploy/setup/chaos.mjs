// `npm run chaos`: faults by a seed's schedule, and a verdict on every message. See test/src/chaos/.

import { runProgram } from "./program.mjs";

await runProgram("chaos");
