import { createPublicKey, type JsonWebKey } from "node:crypto";

/** RFC 7518, section 3.3: smaller ones must not be used. */
const MIN_RSA_BITS = 2_048;

/** Whether a JWK (RFC 7517) is a public key that tokens can be signed for with RS256, ES256 or EdDSA. */
export function isPublicJwk(jwk: Readonly<Record<string, unknown>>): boolean {
  const { kty, crv, n, e, x, y } = jwk;
  try {
    const key = createPublicKey({ key: { kty, crv, n, e, x, y } as JsonWebKey, format: "jwk" });
    const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
    if (key.asymmetricKeyType === "rsa") return modulusLength >= MIN_RSA_BITS;
    if (key.asymmetricKeyType === "ec") return namedCurve === "prime256v1";
    return key.asymmetricKeyType === "ed25519";
  } catch {
    // Whatever it lacks: it is no key.
    return false;
  }
}
