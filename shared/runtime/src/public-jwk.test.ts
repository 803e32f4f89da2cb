import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { isPublicJwk } from "./public-jwk.js";

const rsa = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength }).publicKey;
const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).publicKey;

test("public keys of RS256, ES256 and EdDSA are such, and nothing else is", () => {
  for (const key of [rsa(2_048), ec("prime256v1"), generateKeyPairSync("ed25519").publicKey])
    assert.ok(isPublicJwk({ ...key.export({ format: "jwk" }), kid: "one", use: "sig" }));
  for (const key of [rsa(1_024), ec("secp384r1"), generateKeyPairSync("x25519").publicKey])
    assert.ok(!isPublicJwk({ ...key.export({ format: "jwk" }) }));
  const { x, ...half } = ec("prime256v1").export({ format: "jwk" });
  assert.ok(x);
  for (const wrong of [
    {},
    half,
    { kty: "oct", k: "c2VjcmV0" },
    { kty: "RSA", n: 7, e: [] },
    { kty: "EC", crv: "P-256" },
  ])
    assert.ok(!isPublicJwk(wrong), JSON.stringify(wrong));
});
