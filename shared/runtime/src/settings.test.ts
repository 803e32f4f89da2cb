/** Settings of namespaces: defaults, what a file may say, and what it may not. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "./config.js";
import { Settings } from "./settings.js";

const DAY_MS = 24 * 60 * 60 * 1_000;
const DEFAULTS = {
  retention: { messages: 100_000, ageMs: 30 * DAY_MS },
  presence: true,
  maxMessageBytes: 32_768,
  slowReader: "close",
};

function refused(value: unknown, says: RegExp): void {
  assert.throws(
    () => new Settings(value),
    (error) => error instanceof ConfigError && says.test(error.message),
    JSON.stringify(value),
  );
}

test("without a word, every namespace has the defaults", () => {
  for (const settings of [new Settings(), new Settings({}), Settings.fromFile(undefined)])
    assert.deepEqual(settings.of("acme", "chat.lobby"), DEFAULTS);
});

test("a namespace's settings hold for all of its channels, and for no other", () => {
  const settings = new Settings({
    namespaces: { logs: { presence: false, retention: { messages: 10 } } },
  });
  for (const channel of ["logs", "logs.a", "logs.a.b"]) {
    assert.equal(settings.of("acme", channel).presence, false);
    assert.deepEqual(settings.of("acme", channel).retention, { messages: 10, ageMs: 30 * DAY_MS });
  }
  for (const channel of ["logsx", "log", "chat.logs"])
    assert.deepEqual(settings.of("acme", channel), DEFAULTS);
});

test("defaults can be changed for all namespaces that are not listed", () => {
  const settings = new Settings({
    defaults: { maxMessageBytes: 100 },
    namespaces: { a: { maxMessageBytes: 5 } },
  });
  assert.equal(settings.of("acme", "chat").maxMessageBytes, 100);
  assert.equal(settings.of("acme", "a.b").maxMessageBytes, 5);
});

test("a namespace that is listed takes from the defaults what it leaves out", () => {
  const settings = new Settings({
    defaults: { maxMessageBytes: 100, retention: { messages: 7 } },
    namespaces: { a: { presence: false, retention: { ageMs: 60_000 } } },
  });
  assert.deepEqual(settings.of("acme", "a.b"), {
    retention: { messages: 7, ageMs: 60_000 },
    presence: false,
    maxMessageBytes: 100,
    slowReader: "close",
  });
});

test("names with a meaning in JavaScript are namespaces like others", () => {
  const settings = new Settings();
  for (const channel of ["__proto__", "constructor", "toString.a"])
    assert.deepEqual(settings.of("acme", channel), DEFAULTS, channel);
});

test("unknown fields and wrong values are refused, and named by their path", () => {
  refused({ namespace: {} }, /namespace/);
  refused({ namespaces: { chat: { presense: true } } }, /namespaces\.chat.*presense/);
  refused({ namespaces: { "a.b": {} } }, /namespaces/);
  refused({ namespaces: { chat: { retention: { messages: 0 } } } }, /namespaces\.chat\.retention\.messages/);
  refused({ defaults: { retention: { ageMs: 999 } } }, /defaults\.retention\.ageMs/);
  refused({ defaults: { presence: "yes" } }, /defaults\.presence/);
  refused({ defaults: { maxMessageBytes: 131_073 } }, /defaults\.maxMessageBytes/);
  for (const value of [null, [], "x", 7]) refused(value, /settings/);
});

test("each layer is over the one before: file, installation, tenant", () => {
  const settings = new Settings({
    defaults: { maxMessageBytes: 1, presence: false },
    quotas: { connections: 5 },
  });
  settings.putInstallation({ namespaces: { chat: { maxMessageBytes: 2 } }, quotas: { messageBytes: 9 } });
  settings.putTenant("acme", { defaults: { maxMessageBytes: 3 }, quotas: { connections: 7 } });
  assert.equal(settings.of("other", "logs.a").maxMessageBytes, 1);
  assert.equal(settings.of("other", "chat.a").maxMessageBytes, 2);
  assert.equal(settings.of("acme", "chat.a").maxMessageBytes, 3);
  assert.equal(settings.of("acme", "chat.a").presence, false);
  assert.deepEqual(settings.tenant("acme").quotas, { connections: 7, messageBytes: 9 });
  assert.deepEqual(settings.tenant("other").quotas, { connections: 5, messageBytes: 9 });
  settings.putTenant("acme", null);
  assert.equal(settings.of("acme", "chat.a").maxMessageBytes, 2);
});

test("who may use the installation: everybody, those who are listed, and not who is suspended", () => {
  const settings = new Settings();
  assert.equal(settings.tenant("acme").admitted, true);
  settings.putInstallation({ unlistedTenants: "refuse" });
  assert.equal(settings.tenant("acme").admitted, false);
  settings.putTenant("acme", {});
  assert.equal(settings.tenant("acme").admitted, true);
  settings.putTenant("acme", { suspended: true });
  assert.equal(settings.tenant("acme").admitted, false);
});

test("what is not right changes nothing, and whoever listens hears of changes", () => {
  const settings = new Settings();
  const heard: Array<string | null> = [];
  const end = settings.onChange((tenant) => heard.push(tenant));
  settings.putTenant("acme", { quotas: { connections: 7 } });
  for (const wrong of [{ quotas: { connections: 0 } }, { quota: {} }, { keys: [{ secret: "short" }] }, 7])
    assert.throws(() => settings.putTenant("acme", wrong), ConfigError);
  assert.equal(settings.tenant("acme").quotas.connections, 7);
  settings.putInstallation({});
  end();
  settings.putInstallation({});
  assert.deepEqual(heard, ["acme", null]);
});

test("where several shapes are possible, the one that was meant is told what is wrong with it", () => {
  const settings = new Settings();
  for (const [keys, message] of [
    [[{ secret: "short" }], /tenant acme: keys\.0\.secret: at least 32 characters/],
    [[{ jwks: "ftp://keys.example" }], /tenant acme: keys\.0\.jwks: must be an http/],
    [[{ jwk: { kty: "oct", k: "AAAA" } }], /tenant acme: keys\.0\.jwk: must be a public key/],
    [[{ kid: "one" }], /tenant acme: keys\.0/],
    [
      [{ secret: "s".repeat(32), jwks: "https://keys.example" }],
      /tenant acme: keys\.0: is none of the shapes/,
    ],
    [7, /tenant acme: keys: /],
  ] as const)
    assert.throws(() => settings.putTenant("acme", { keys }), { name: ConfigError.name, message });
});

test("a file is read", () => {
  const folder = mkdtempSync(join(tmpdir(), "plexus-test-settings-"));
  try {
    const file = join(folder, "settings.json");
    writeFileSync(file, '{"namespaces":{"chat":{"maxMessageBytes":7}}}');
    assert.equal(Settings.fromFile(file).of("acme", "chat.a").maxMessageBytes, 7);
    writeFileSync(file, "{");
    assert.throws(() => Settings.fromFile(file));
    assert.throws(() => Settings.fromFile(join(folder, "missing.json")));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
