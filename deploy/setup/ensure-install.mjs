import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./find-program.mjs";
import { patchUwsBinary } from "./uws-glibc.mjs";
import { runVisibly } from "./visibly.mjs";

/**
 * Makes node_modules what package-lock.json says, and does nothing where it already is.
 *
 * @param {string} root
 */
export async function ensureInstall(root) {
  if (!isInstalled(root)) {
    // NODE_ENV=production or a user's omit setting would leave out the compiler.
    await runVisibly("Installing the dependencies", [...npm(), "ci", "--include=dev", "--include=optional"], {
      cwd: root,
    });
  }
  // npm's postinstall step does this too, unless the user told npm to ignore scripts; a second time costs 20 ms.
  const line = patchUwsBinary();
  if (line) console.log(line);
}

/**
 * npm leaves a copy of the lock in node_modules when an installation is complete. Comparing the two by content tells
 * an up-to-date folder from a stale or half-installed one, whoever ran npm last, without trusting file times.
 */
function isInstalled(root) {
  const wanted = readPackages(join(root, "package-lock.json"));
  const installed = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, { version, integrity, link, optional }]) => {
    if (path === "") return true;
    const found = installed[path];
    if (!found) return optional === true; // for another platform
    return link === true || (found.version === version && found.integrity === integrity);
  });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The npm that runs us, or else the one on PATH. */
function npm() {
  const running = process.env.npm_execpath;
  if (running?.endsWith(".js")) return [process.execPath, running];
  return [findProgram(["npm"]) ?? "npm"];
}
