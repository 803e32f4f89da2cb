/**
 * The keys that tokens are checked with. A key knows the one algorithm that it is for, by what it is and not by what a
 * token says: a secret is never taken for a public key, nor the other way round.
 */
import { isPublicJwk } from "@plexus/runtime";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { z } from "zod";

export type Algorithm = "HS256" | "RS256" | "ES256" | "EdDSA";

export interface VerificationKey {
  readonly kid?: string | undefined;
  readonly algorithm: Algorithm;
  readonly key: CryptoKey | Uint8Array;
}

/** What of a token's header matters here. */
export interface TokenHeader {
  readonly alg: string;
  readonly kid?: string | undefined;
}

/** Of public keys that {@link isPublicJwk} takes, by their type. */
const PUBLIC_ALGORITHMS: Readonly<Record<string, Algorithm>> = { RSA: "RS256", EC: "ES256", OKP: "EdDSA" };
/** Keys of one JWKS; issuers have two or three. */
const MAX_JWKS_KEYS = 32;

const text = z.string().max(4_096);
const jwk = z.object({
  kty: text,
  crv: text.optional(),
  n: text.optional(),
  e: text.optional(),
  x: text.optional(),
  y: text.optional(),
  kid: z.string().max(200).optional(),
  alg: text.optional(),
  use: text.optional(),
  key_ops: z.array(text).optional(),
});
const jwks = z.object({ keys: z.array(z.unknown()).max(MAX_JWKS_KEYS) });

export function isPublicAlgorithm(algorithm: string): boolean {
  return Object.values<string>(PUBLIC_ALGORITHMS).includes(algorithm);
}

export function secretKey(secret: string, kid?: string): VerificationKey {
  return { kid, algorithm: "HS256", key: new TextEncoder().encode(secret) };
}

/** The public half of a JWK; undefined for one that no token can be signed with here. */
export async function publicKey(value: unknown): Promise<VerificationKey | undefined> {
  const parsed = jwk.safeParse(value);
  if (!parsed.success) return undefined;
  const { kid, alg, use, key_ops: operations, ...members } = parsed.data;
  const algorithm = isPublicJwk(members) ? PUBLIC_ALGORITHMS[members.kty] : undefined;
  if (algorithm === undefined || (alg !== undefined && alg !== algorithm)) return undefined;
  if ((use !== undefined && use !== "sig") || operations?.includes("verify") === false) return undefined;
  try {
    // Of a private key that was put here by mistake only the public members are left.
    const key = await importJWK(members as JWK, algorithm);
    return { kid, algorithm, key };
  } catch {
    // Whatever WebCrypto has against it: the other keys may do.
    return undefined;
  }
}

/** The usable keys of a JWKS (RFC 7517); null where it is none. */
export async function keysOfSet(document: unknown): Promise<VerificationKey[] | null> {
  const parsed = jwks.safeParse(document);
  if (!parsed.success) return null;
  const keys = await Promise.all(parsed.data.keys.map(publicKey));
  return keys.filter((key) => key !== undefined);
}

/** Those that a token with this header may be signed with. */
export function fitting(keys: readonly VerificationKey[], { alg, kid }: TokenHeader): VerificationKey[] {
  return keys.filter(
    (key) => key.algorithm === alg && (kid === undefined || key.kid === undefined || key.kid === kid),
  );
}
