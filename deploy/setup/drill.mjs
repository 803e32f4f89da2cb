// `npm run drill -- <name>`: changes a cluster of its own under load and checks every message. See test/src/drill/.

import { runProgram } from "./program.mjs";

await runProgram("drill");
