import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { SECRET_MARK, withoutSecrets, withSecretsOf } from "./settings-secrets.js";

const [A, B, C] = ["a", "b", "c"].map((letter) => letter.repeat(40)) as [string, string, string];
const hook = (id: string, secret: string) => ({
  id,
  url: `https://${id}.example`,
  secret,
  events: ["published"],
});
const refused = (error: unknown) => error instanceof PlexusError && error.code === "bad_request";

const STORED = {
  quotas: { connections: 5 },
  keys: [{ kid: "one", secret: A }, { secret: B }, { jwk: { kty: "oct", kid: "two", k: C } }],
  webhooks: [hook("first", A), hook("second", B)],
};

test("no secret is shown, and nothing else is missing", () => {
  const shown = withoutSecrets(STORED);
  const text = JSON.stringify(shown);
  for (const secret of [A, B, C]) assert.ok(!text.includes(secret));
  assert.deepEqual(shown.keys, [
    { kid: "one", secret: SECRET_MARK },
    { secret: SECRET_MARK },
    { jwk: { kty: "oct", kid: "two", k: SECRET_MARK } },
  ]);
  assert.deepEqual(shown.quotas, STORED.quotas);
  assert.equal((STORED.keys[1] as { secret: string }).secret, B, "what was given is left as it is");
});

test("what was shown comes back with the secrets that are stored", () => {
  assert.deepEqual(withSecretsOf(STORED, withoutSecrets(STORED)), STORED);
});

test("an element is known by its id, wherever it stands", () => {
  const given = { webhooks: [hook("second", SECRET_MARK), hook("third", C), hook("first", SECRET_MARK)] };
  assert.deepEqual(withSecretsOf(STORED, given), {
    webhooks: [hook("second", B), hook("third", C), hook("first", A)],
  });
});

test("one without an id goes by its order, where that is clear", () => {
  const keep = { keys: [{ secret: C }, { secret: SECRET_MARK }] };
  assert.deepEqual(withSecretsOf(STORED, keep), { keys: [{ secret: C }, { secret: B }] });
  const two = { keys: [{ secret: A }, { secret: B }] };
  assert.throws(() => withSecretsOf(two, { keys: [{ secret: SECRET_MARK }] }), refused);
});

test("a mark for which nothing is stored is no secret", () => {
  for (const given of [
    { webhooks: [hook("third", SECRET_MARK)] },
    { keys: [{ kid: "x", secret: SECRET_MARK }] },
  ])
    for (const stored of [STORED, undefined]) assert.throws(() => withSecretsOf(stored, given), refused);
});

test("a namespace may have a secret's name", () => {
  const stored = { namespaces: { secret: { slowReader: "latest" }, k: { presence: false } } };
  assert.deepEqual(withoutSecrets(stored), stored);
});
