import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** For browsers, so that it is compiled apart from the workspace that it belongs to. */
const CONSOLE = [join("deploy", "console", "src"), join("deploy", "dist", "console")];

/**
 * The compiled tests of all workspaces, cross-process ones last. They are listed by their sources: a compiled test
 * whose source is gone must not run.
 *
 * @param {string} root
 * @param {string[]} filters keep only files whose path contains one of these; none keeps all
 * @returns {string[]} paths relative to `root`
 */
export function testFiles(root, filters) {
  const { workspaces } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const unitTestsFirst = [...workspaces].sort((a, b) => Number(a === "test") - Number(b === "test"));
  const folders = unitTestsFirst.map((workspace) => [join(workspace, "src"), join(workspace, "dist")]);
  const files = [CONSOLE, ...folders].flatMap(([from, to]) =>
    sources(join(root, from)).map((source) =>
      join(to, relative(join(root, from), source).replace(/\.ts$/, ".js")),
    ),
  );
  return files.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
}

function sources(folder) {
  let names;
  try {
    names = readdirSync(folder, { recursive: true });
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
  return names
    .filter((name) => name.endsWith(".test.ts"))
    .sort()
    .map((name) => join(folder, name));
}
