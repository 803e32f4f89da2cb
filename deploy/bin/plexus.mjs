#!/usr/bin/env node
// The operator's command line. Not the compiled file itself, so that the link to it can be made before the build.

import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(main)) await import(main);
else {
  console.error("plexus is not built yet. Build it with: npm run build");
  process.exitCode = 1;
}
