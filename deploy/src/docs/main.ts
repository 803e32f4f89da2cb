/** Writes docs/configuration.md anew: `node deploy/dist/docs/main.js`. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configurationDocument } from "./configuration.js";
import { processOptions } from "./declarations.js";

const file = fileURLToPath(new URL("../../../docs/configuration.md", import.meta.url));
writeFileSync(file, configurationDocument(await processOptions()));
console.log(`wrote ${file}`);
