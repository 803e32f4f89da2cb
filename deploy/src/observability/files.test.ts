import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { observabilityFiles } from "./files.js";

for (const [path, text] of observabilityFiles())
  test(`${path} is what the code makes of it`, () => {
    const written = readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
    assert.equal(written, text, "node deploy/dist/observability/main.js writes it anew");
  });
