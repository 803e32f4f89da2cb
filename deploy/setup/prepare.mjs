// Everything between a fresh clone and a program that can run. Each step is a check first, so that doing it again
// costs a second. Plain JavaScript without dependencies, because it runs before there are any.

import { fileURLToPath } from "node:url";
import { ensureBrokers } from "./ensure-brokers.mjs";
import { ensureBuild } from "./ensure-build.mjs";
import { ensureChromium } from "./ensure-chromium.mjs";
import { ensureInstall } from "./ensure-install.mjs";
import { SetupError } from "./visibly.mjs";

const OLDEST_NODE = 20;

/** The folder that the repository was cloned into. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * @param {{ build?: string[], brokers?: string[], chromium?: boolean }} [needs] what is needed; no names of folders in
 *   `build` means all of them
 * @returns {Promise<{ chromium: string | undefined }>}
 */
export async function prepare({ build = [], brokers = [], chromium = false } = {}) {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new SetupError(`Plexus needs Node ${OLDEST_NODE} or newer; this is ${process.version}.`);
  }
  await ensureInstall(root);
  await ensureBuild(root, build);
  await ensureBrokers(brokers);
  return { chromium: chromium ? await ensureChromium() : undefined };
}
