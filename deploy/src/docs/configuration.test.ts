import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ConfigError, installationDocument, option, Settings, tenantDocument } from "@plexus/runtime";
import { z } from "zod";
import { configurationDocument, valuesOf } from "./configuration.js";
import { processOptions } from "./declarations.js";
import { NAMESPACE_FIELDS, QUOTA_FIELDS } from "./settings.js";

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
  for (const field of NAMESPACE_FIELDS) {
    const { path } = field;
    const [outer, inner] = path.split(".") as [string, string?];
    const settings = (value: unknown) => ({
      defaults: { [outer]: inner === undefined ? value : { [inner]: value } },
    });
    const [fine, wrong] =
      "values" in field
        ? [field.values, ["else"]]
        : [
            [field.least, field.most],
            [field.least - 1, field.most + 1],
          ];
    for (const value of fine) new Settings(settings(value));
    for (const value of wrong)
      assert.throws(() => new Settings(settings(value)), ConfigError, `${path} ${value}`);
  }
});

test("quotas and their bounds are those of the code, and all of them are in the document", () => {
  const known = tenantDocument.shape.quotas.unwrap().shape;
  assert.deepEqual(QUOTA_FIELDS.map(({ path }) => path).sort(), Object.keys(known).sort());
  for (const { path, most } of QUOTA_FIELDS) {
    for (const fine of [1, most]) new Settings({ quotas: { [path]: fine } });
    for (const wrong of [0, most + 1])
      assert.throws(() => new Settings({ quotas: { [path]: wrong } }), ConfigError, `${path} ${wrong}`);
  }
});

test("every field of a document of settings is in docs/configuration.md", () => {
  const text = readFileSync(file, "utf8");
  for (const name of [...Object.keys(installationDocument.shape), ...Object.keys(tenantDocument.shape)])
    assert.match(text, new RegExp(`^\\| \`${name}\` \\|`, "m"), name);
});

test("the examples of settings in the document are such", () => {
  const text = readFileSync(file, "utf8");
  const example = (mark: string) => JSON.parse(new RegExp(`\`\`\`${mark}\\n([^]*?)\`\`\``).exec(text)![1]!);
  const settings = new Settings(example("json settings"));
  assert.equal(settings.of("any", "ticker.eur").presence, false);
  assert.equal(settings.of("any", "other").maxMessageBytes, 16_384);
  settings.putTenant("acme", example("json tenant"));
  assert.equal(settings.of("acme", "chat.lobby").maxMessageBytes, 4_096);
  assert.deepEqual(settings.tenant("acme").quotas, {
    connections: 100_000,
    messagesInPerSecond: 500,
    historyBytes: 50_000_000_000,
  });
});
