import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findProgram } from "../../setup/find-program.mjs";
import { testFiles } from "../../setup/test-files.mjs";
import { temporaryFolder } from "../launcher/fixtures/helpers.js";

test("the preferred name is found first, and only what can be executed", (t) => {
  const folder = temporaryFolder(t);
  for (const name of ["plexus-a", "plexus-b", "plexus-c"])
    writeFileSync(join(folder, name), "", { mode: 0o755 });
  chmodSync(join(folder, "plexus-a"), 0o644);
  mkdirSync(join(folder, "plexus-d"));
  const path = `/nonexistent:${folder}`;
  assert.equal(findProgram(["plexus-d", "plexus-a", "plexus-c", "plexus-b"], path), join(folder, "plexus-c"));
  assert.equal(findProgram([join(folder, "plexus-b")], path), join(folder, "plexus-b"));
  assert.equal(findProgram(["plexus-a"], path), undefined);
});

test("tests are listed by their sources, cross-process ones last, and filtered by words", (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "package.json"), JSON.stringify({ workspaces: ["test", "gateway", "empty"] }));
  for (const file of [
    "test/src/chat.test.ts",
    "gateway/src/b/relay.test.ts",
    "gateway/src/a.test.ts",
    "gateway/src/a.ts",
  ]) {
    mkdirSync(join(root, file, ".."), { recursive: true });
    writeFileSync(join(root, file), "");
  }
  const all = ["gateway/dist/a.test.js", "gateway/dist/b/relay.test.js", "test/dist/chat.test.js"];
  assert.deepEqual(testFiles(root, []), all);
  assert.deepEqual(testFiles(root, ["relay", "chat"]), all.slice(1));
  assert.deepEqual(testFiles(root, ["nothing"]), []);
});
