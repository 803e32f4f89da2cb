// `npm run build`: installs what is missing, then compiles what has changed.

import { prepare } from "./prepare.mjs";
import { asCommand } from "./visibly.mjs";

await asCommand(async () => {
  await prepare();
});
