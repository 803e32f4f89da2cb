// `npm run screenshots`: takes the pictures of docs/img anew, of a cluster of its own. See test/src/screenshots/.

import { ensureChromium } from "./ensure-chromium.mjs";
import { runProgram } from "./program.mjs";
import { asCommand } from "./visibly.mjs";

await asCommand(async () => {
  const chromium = await ensureChromium();
  if (chromium) process.env.CHROMIUM_PATH ??= chromium;
});
await runProgram("screenshots");
