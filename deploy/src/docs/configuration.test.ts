import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ConfigError, option, Settings } from "@plexus/runtime";
import { z } from "zod";
import { configurationDocument, NAMESPACE_FIELDS, valuesOf } from "./configuration.js";
import { processOptions } from "./declarations.js";

const file = new URL("../../../docs/configuration.md", import.meta.url);

test("docs/configuration.md is what the declarations say", async () => {
  const written = readFileSync(file, "utf8");
  const made = configurationDocument(await processOptions());
  assert.equal(written, made, "out of date: run node deploy/dist/docs/main.js");
});

test("no secret has a default that the document could show", async () => {
  for (const { options } of await processOptions())
    for (const { env, secret, default: value } of Object.values(options))
      if (secret) assert.equal(value, undefined, env);
});

test("values are shown as they may be written", () => {
  const of = (type: z.ZodType) => valuesOf(option({ env: "X", type, doc: "" }));
  assert.equal(of(z.coerce.number().int().min(1).max(65_535)), "1 to 65535");
  assert.equal(of(z.enum(["a", "b"]).transform((text) => text === "a")), "`a`, `b`");
  assert.equal(of(z.string().min(32)), "text, 32 characters or more");
  assert.equal(of(z.string().optional()), "text");
});

test("the bounds of namespaces' settings are those of the code", () => {
  for (const { path, least, most } of NAMESPACE_FIELDS) {
    if (least === null) continue;
    const [outer, inner] = path.split(".") as [string, string?];
    const settings = (value: number) => ({
      defaults: { [outer]: inner === undefined ? value : { [inner]: value } },
    });
    for (const fine of [least, most]) new Settings(settings(fine));
    assert.throws(() => new Settings(settings(least - 1)), ConfigError, `${path} below ${least}`);
    assert.throws(() => new Settings(settings(most + 1)), ConfigError, `${path} above ${most}`);
  }
});

test("the example of settings in the document is one", () => {
  const [, example] = /```json settings\n([\s\S]*?)```/.exec(readFileSync(file, "utf8")) ?? [];
  const settings = new Settings(JSON.parse(example!));
  assert.equal(settings.of("any", "ticker.eur").presence, false);
  assert.equal(settings.of("any", "other").maxMessageBytes, 16_384);
});
