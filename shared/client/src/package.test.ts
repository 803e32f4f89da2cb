/** What leaves this package besides its modules: the browser's bundle, and its documentation. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import * as source from "./index.js";
import { TUNING } from "./options.js";

const MAX_COMPRESSED_BYTES = 14_000;

for (const name of ["plexus-client.js", "plexus-client.min.js"])
  test(`${name} stands alone, and exports what the package does`, async () => {
    const url = new URL(name, import.meta.url);
    const text = readFileSync(url, "utf8");
    assert.doesNotMatch(text, /^\s*import\b|\bfrom\s*"/m);
    const bundle = (await import(url.href)) as object;
    assert.deepEqual(Object.keys(bundle).sort(), Object.keys(source).sort());
  });

test("the small bundle stays small", () => {
  const bytes = gzipSync(readFileSync(new URL("plexus-client.min.js", import.meta.url))).byteLength;
  assert.ok(bytes < MAX_COMPRESSED_BYTES, `${bytes} bytes compressed`);
});

test("docs/client.md knows every option with its default", () => {
  const docs = readFileSync(new URL("../../../docs/client.md", import.meta.url), "utf8");
  const rows = docs.split("\n").filter((line) => line.startsWith("| `"));
  for (const [name, [preset]] of Object.entries(TUNING)) {
    const row = rows.find((line) => line.split("|")[1]?.includes(`\`${name}\``));
    assert.ok(row, `${name} is not in the table of options`);
    const shown = preset % 1_048_576 === 0 ? `${preset / 1_048_576} MiB` : preset.toLocaleString("en");
    assert.ok(row.split("|")[2]?.includes(shown), `${name}: the default is ${shown}`);
  }
});
