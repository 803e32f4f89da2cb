import { readFileSync } from "node:fs";
import { aptInstall, whyNoApt } from "./apt.mjs";
import { findProgram } from "./find-program.mjs";
import { SetupError } from "./visibly.mjs";

const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/**
 * Finds a Chromium for the browser tests or installs one.
 *
 * @returns {Promise<string | undefined>} its path; undefined (and a visible word about it) where there is none
 * @throws {SetupError} if there is none and this is CI, where a skipped test counts as a failure
 */
export async function ensureChromium() {
  const own = process.env.CHROMIUM_PATH;
  const found = own ? findProgram([own]) : findProgram(NAMES);
  if (found) return found;
  let reason = own ? `CHROMIUM_PATH names ${own}, which cannot be run` : (whyNoApt() ?? whyNotThisApt());
  if (!reason) {
    try {
      await aptInstall("Installing chromium with apt, for the browser tests", ["chromium"]);
      const installed = findProgram(NAMES);
      if (installed) return installed;
      reason = "apt installed it, but the program is still not to be found";
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      reason = error.message;
    }
  }
  const message = `No Chromium for the browser tests: ${reason}. Install one, or name one in CHROMIUM_PATH.`;
  if (process.env.CI) throw new SetupError(message);
  console.warn(`\n${message}\nTHE BROWSER TESTS WILL BE SKIPPED.\n`);
  return undefined;
}

/** Ubuntu's package of that name only installs a snap, which does not work in containers and takes minutes. */
function whyNotThisApt() {
  const ubuntu = /^ID=ubuntu$/m.test(readFileSync("/etc/os-release", "utf8"));
  return ubuntu ? "Ubuntu has it as a snap only" : undefined;
}
