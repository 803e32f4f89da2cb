// Root postinstall step: lets uWebSockets.js load where the C library is older than its Linux binary expects.
// Why, and what exactly is changed: docs/adr/0002-uwebsockets-binary.md and elf-versions.mjs.

import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { relaxGlibc238, requiredGlibcVersions } from "./elf-versions.mjs";

const LINKED_AGAINST = [2, 38];

/**
 * Patches the binary that this Node would load, if it needs that. Safe to call again and again.
 *
 * @returns {string | undefined} one line for a person if something was done or cannot be done
 */
export function patchUwsBinary() {
  if (process.platform !== "linux") return undefined;
  const glibc = glibcVersion();
  if (!glibc)
    return "uWebSockets.js has no binary for this C library (musl?): use a glibc distribution for the gateway";
  if (!isOlder(glibc, LINKED_AGAINST)) return undefined;
  const path = binaryPath();
  if (!path) return undefined;

  const image = readFileSync(path);
  const { changed, symbols } = relaxGlibc238(image);
  if (changed) replaceFile(path, image);
  const missing = requiredGlibcVersions(image).filter((name) =>
    isOlder(glibc, parseVersion(name.slice("GLIBC_".length))),
  );
  if (missing.length > 0) {
    return `uWebSockets.js cannot load here: it needs ${missing.join(", ")} and this system has glibc ${glibc.join(".")}`;
  }
  return changed
    ? `uWebSockets.js: ${symbols.length} symbols of GLIBC_2.38 replaced by their older names, for glibc ${glibc.join(".")}`
    : undefined;
}

function glibcVersion() {
  process.report.excludeNetwork = true; // the report would otherwise resolve the names of open connections
  const version = process.report.getReport().header.glibcVersionRuntime;
  return version ? parseVersion(version) : undefined;
}

function parseVersion(text) {
  return text.split(".").map(Number);
}

function isOlder([major, minor = 0], [thanMajor, thanMinor = 0]) {
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}

/** The one file that uWebSockets.js will ask this Node to load; undefined where it is not installed or not shipped. */
function binaryPath() {
  const gateway = fileURLToPath(new URL("../../gateway/package.json", import.meta.url));
  let entry;
  try {
    entry = createRequire(gateway).resolve("uWebSockets.js");
  } catch (error) {
    if (error.code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
  const path = join(dirname(entry), `uws_linux_${process.arch}_${process.versions.modules}.node`);
  return existsSync(path) ? path : undefined;
}

/** A rename, so that a process that has the old file mapped keeps it whole, and a crash leaves no half file. */
function replaceFile(path, content) {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content, { mode: statSync(path).mode });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const line = patchUwsBinary();
    if (line) console.log(line);
  } catch (error) {
    // An installation without a working gateway is still good for the SDK, the cells and the tools: say it, go on.
    console.warn(`uWebSockets.js could not be made to load on this glibc: ${error.message}`);
  }
}
