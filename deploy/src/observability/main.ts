/** Writes dashboards and rules anew: `node deploy/dist/observability/main.js`. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { observabilityFiles } from "./files.js";

for (const [path, text] of observabilityFiles()) {
  writeFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), text);
  console.log(`wrote ${path}`);
}
