// The console as the admin process serves it: dist/console-page/ with one page, one script and one style sheet.

import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { landPath } from "./land.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const page = here("../dist/console-page/");

rmSync(page, { recursive: true, force: true });
mkdirSync(page, { recursive: true });
copyFileSync(here("page/index.html"), `${page}index.html`);
copyFileSync(here("../../gateway/public/favicon.svg"), `${page}favicon.svg`);

await build({
  entryPoints: { console: here("../dist/console/main.js"), style: here("style/console.css") },
  outdir: page,
  bundle: true,
  format: "esm",
  platform: "browser",
  target: ["es2022"],
  minify: true,
  legalComments: "none",
  define: { LAND_PATH: JSON.stringify(landPath()) },
});
