import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

// Debian puts servers into sbin folders, which are not on every person's PATH; Homebrew's folder is not on that of
// a program started from a desktop.
const MORE_FOLDERS = [
  "/usr/sbin",
  "/usr/local/sbin",
  "/usr/local/bin",
  "/opt/homebrew/bin",
  "/opt/homebrew/sbin",
];

/**
 * The absolute path of the first of these programs that exists and may be executed.
 *
 * @param {string[]} names names or absolute paths, the preferred one first
 * @param {string} [path] where to look first, in the form of PATH
 * @returns {string | undefined}
 */
export function findProgram(names, path = process.env.PATH ?? "") {
  const folders = [...path.split(delimiter).filter(Boolean), ...MORE_FOLDERS];
  const candidates = names.flatMap((name) =>
    name.startsWith("/") ? [name] : folders.map((folder) => join(folder, name)),
  );
  return candidates.find(isExecutableFile);
}

function isExecutableFile(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile(); // folders are "executable" as well
  } catch (error) {
    // Not there, or in a folder that this user may not look into.
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(error.code)) return false;
    throw error;
  }
}
