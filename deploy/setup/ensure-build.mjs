import { join } from "node:path";
import { runVisibly } from "./visibly.mjs";

/**
 * Compiles what has changed; turbo knows by content and takes the rest from its cache.
 *
 * @param {string} root
 * @param {string[]} workspaces folders to build, with all that they depend on; none builds everything
 */
export async function ensureBuild(root, workspaces) {
  const turbo = join(root, "node_modules", "turbo", "bin", "turbo");
  const filters = workspaces.map((folder) => `--filter=./${folder}`);
  const options = [...filters, "--output-logs=errors-only", "--log-order=grouped", "--no-update-notifier"];
  await runVisibly("Building", [process.execPath, turbo, "run", "build", ...options], {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" },
  });
}
