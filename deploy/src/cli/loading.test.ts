/** The command line answers at once: what only some of its commands need is loaded by these, when they run. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** What a compiled file imports before anything of it runs. */
function importsOf(file: URL): string[] {
  const found = readFileSync(file, "utf8").matchAll(
    /^(?:import|export)\b[^;]*?from "([^"]+)";|^import "([^"]+)";/gm,
  );
  return [...found].map(([, from, whole]) => (from ?? whole)!);
}

test("no package but the protocol is loaded before a command runs", () => {
  const packages = new Set<string>();
  const files = new Set([new URL("main.js", import.meta.url).href]);
  for (const file of files)
    for (const name of importsOf(new URL(file))) {
      if (name.startsWith(".")) files.add(new URL(name, file).href);
      else if (!name.startsWith("node:")) packages.add(name);
    }
  assert.ok(files.size > 20, "all commands were followed");
  assert.deepEqual([...packages], ["@plexus/protocol"]);
});
