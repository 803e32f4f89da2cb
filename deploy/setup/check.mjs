// `npm run check`: types, lint, format, and the rules of the repository. What CI runs and what a contributor runs.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { prepare, root } from "./prepare.mjs";
import { asCommand } from "./visibly.mjs";

await asCommand(async () => {
  await prepare();
  const steps = [
    [join(root, "node_modules", "@biomejs", "biome", "bin", "biome"), "check", "."],
    ["--test", "--test-reporter=spec", join("test", "dist", "tidy.test.js")],
  ];
  for (const step of steps) {
    const { status } = spawnSync(process.execPath, step, { cwd: root, stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
});
