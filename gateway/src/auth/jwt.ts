/** JWTs (RFC 7519): signed by a key of their tenant, with one of four algorithms, and in their time. */
import { isTenant, PlexusError } from "@plexus/protocol";
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { identityOf, unauthorized, type Verify } from "./identity.js";
import type { KeyRing, KeyRings } from "./key-ring.js";
import type { TokenHeader, VerificationKey } from "./keys.js";

export interface JwtOptions {
  /** Clocks of whoever issues tokens and of gateways may differ by so much. */
  readonly clockToleranceMs: number;
  /** Asked of tokens that the installation's keys sign; a tenant with keys of its own has an issuer of its own. */
  readonly issuer?: string | undefined;
  /** Asked of all tokens: an issuer's tokens for something else are not for here. */
  readonly audience?: string | undefined;
}

const RETRY_MS = 2_000;
const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Whether a token means to be a JWT; what it is worth is another question. */
export function isJwt(token: string): boolean {
  if (!SHAPE.test(token)) return false;
  try {
    decodeProtectedHeader(token);
    return true;
  } catch {
    // Three words with dots in between, then, as other kinds of tokens may be too.
    return false;
  }
}

export function jwtVerifier(rings: KeyRings, options: JwtOptions): Verify {
  return async (token) => {
    const { header, tenant } = unverified(token);
    const ring = await rings.of(tenant);
    const payload = await signedPayload(token, header, ring, options);
    const { sub, exp, iat, jti, caps } = payload;
    if (iat !== undefined && iat * 1_000 > Date.now() + options.clockToleranceMs)
      throw unauthorized("the token is not valid (issued in the future)");
    const issuedAt = iat === undefined ? undefined : iat * 1_000;
    const claims = { user: sub, tenant: payload.tenant, caps, expiresAt: exp! * 1_000, issuedAt };
    return identityOf({ ...claims, tokenId: jti });
  };
}

/** What a token says of itself, only to choose the keys that it has to be signed with. */
function unverified(token: string): { header: TokenHeader; tenant: string } {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    const { tenant } = decodeJwt(token);
    if (typeof alg === "string" && (kid === undefined || typeof kid === "string") && isTenant(tenant))
      return { header: { alg, kid }, tenant };
  } catch (cause) {
    throw unauthorized("the token is not valid (unreadable)", cause);
  }
  throw unauthorized("the token is not valid (it names no tenant or algorithm)");
}

async function signedPayload(
  token: string,
  header: TokenHeader,
  ring: KeyRing,
  options: JwtOptions,
): Promise<JWTPayload> {
  for (let hasLooked = false; ; hasLooked = true) {
    const keys = await ring.fitting(header);
    for (const key of keys) {
      const payload = await payloadBy(token, key, ring, options);
      if (payload !== null) return payload;
    }
    // A key that bears the name which the token gives does not change any more.
    const isNamed = header.kid !== undefined && keys.some(({ kid }) => kid === header.kid);
    if (isNamed) break;
    if (hasLooked || !(await ring.lookAgain(header))) {
      if (!ring.isAway(header)) break;
      const message = "the keys to check the token with can't be had now";
      throw new PlexusError("unavailable", message, { retry: RETRY_MS });
    }
  }
  throw unauthorized("the token is not valid (no key of its tenant has signed it)");
}

/** Null where the key has not signed it. */
async function payloadBy(
  token: string,
  { key, algorithm }: VerificationKey,
  ring: KeyRing,
  { clockToleranceMs, issuer, audience }: JwtOptions,
): Promise<JWTPayload | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
      clockTolerance: clockToleranceMs / 1_000,
      requiredClaims: ["sub", "tenant", "exp"],
      ...(issuer === undefined || !ring.isShared ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    });
    return payload;
  } catch (cause) {
    if (cause instanceof errors.JWSSignatureVerificationFailed) return null;
    if (cause instanceof errors.JWTExpired) throw new PlexusError("token_expired", "the token has expired");
    const reason = cause instanceof errors.JOSEError ? cause.code : "unreadable";
    throw unauthorized(`the token is not valid (${reason})`, cause);
  }
}
