import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { ConfigError, readOptions } from "@plexus/runtime";
import { authOptions, checkAuthOptions } from "./options.js";
import { isOriginAllowed } from "./origins.js";
import { refusalOf } from "./refusal.js";

const SECRET = "a secret of at least 32 characters";

function read(env: Record<string, string>) {
  const options = readOptions(authOptions, env);
  checkAuthOptions({ ...options, demo: false });
  return options;
}

test("something has to say who may connect", () => {
  assert.throws(() => read({}), ConfigError);
  read({ PLEXUS_JWKS_URL: "https://id.example/jwks" });
  read({ PLEXUS_CONNECT_HOOK_URL: "http://127.0.0.1:9000/auth" });
  assert.throws(() => read({ PLEXUS_JWKS_URL: "file:///etc/passwd" }), ConfigError);
  const { tokenSecrets } = read({ PLEXUS_TOKEN_SECRET: `${SECRET}, ${SECRET}2` });
  assert.deepEqual(tokenSecrets, [SECRET, `${SECRET}2`]);
  for (const wrong of ["short", `${SECRET},short`, `${SECRET},`])
    assert.throws(
      () => read({ PLEXUS_TOKEN_SECRET: wrong }),
      (error) => error instanceof ConfigError && !error.message.includes(wrong),
    );
  assert.throws(
    () => checkAuthOptions({ ...read({ PLEXUS_JWKS_URL: "https://x" }), demo: true }),
    ConfigError,
  );
});

test("origins: exactly these, or any; what sends none is no page", () => {
  const { origins } = read({
    PLEXUS_TOKEN_SECRET: SECRET,
    PLEXUS_ORIGINS: "https://chat.example, http://localhost:3000",
  });
  const allowed = ["https://chat.example", "http://localhost:3000", "HTTPS://CHAT.EXAMPLE", ""];
  const others = ["http://chat.example", "https://chat.example:444", "https://a.chat.example", "null", "x"];
  for (const origin of allowed) assert.ok(isOriginAllowed(origins, origin), origin);
  for (const origin of others) assert.ok(!isOriginAllowed(origins, origin), origin);
  for (const origin of others)
    assert.ok(isOriginAllowed(read({ PLEXUS_TOKEN_SECRET: SECRET }).origins, origin));
  for (const wrong of [
    "chat.example",
    "https://chat.example/",
    "https://chat.example/x",
    "https://*.example",
  ])
    assert.throws(() => read({ PLEXUS_TOKEN_SECRET: SECRET, PLEXUS_ORIGINS: wrong }), ConfigError, wrong);
});

test("how a connection ends whose hello was refused", () => {
  const closes = {
    token_expired: "token_expired",
    forbidden: "suspended",
    bad_request: "unauthorized",
  } as const;
  for (const [code, close] of Object.entries(closes))
    assert.deepEqual(refusalOf(new PlexusError(code as keyof typeof closes, "")), { close, reconnect: null });
  assert.deepEqual(refusalOf(new PlexusError("unavailable", "", { retry: 2_000 })), {
    close: "unavailable",
    reconnect: { min: 2_000, max: 10_000 },
  });
  assert.equal(refusalOf(new PlexusError("limit_reached", "")).close, "limit_reached");
  assert.deepEqual(refusalOf(new Error("a defect")), {
    close: "gateway_error",
    reconnect: { min: 1_000, max: 5_000 },
  });
});
