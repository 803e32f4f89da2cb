// `npm run compare`: Plexus and Socket.IO side by side, with clients whose networks are away again and again. See
// test/src/compare/.

import { runProgram } from "./program.mjs";

await runProgram("compare");
