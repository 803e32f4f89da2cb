import { Capabilities, isTenant, MAX_USER_LENGTH, PlexusError } from "@plexus/protocol";
import type { RevocationList } from "@plexus/runtime";
import { errors, jwtVerify } from "jose";

/** Who a connection is, as its token says. */
export interface Identity {
  readonly user: string;
  readonly tenant: string;
  readonly capabilities: Capabilities;
  /** When the token's time is over, milliseconds since 1970. */
  readonly expiresAt: number;
  /** When it was issued, milliseconds since 1970, and its id: where it says so. Needed to revoke it. */
  readonly issuedAt?: number | undefined;
  readonly tokenId?: string | undefined;
}

export type Verify = (token: string) => Promise<Identity>;

/** Clocks of whoever issues tokens and of gateways may differ by so much. */
export const CLOCK_TOLERANCE_MS = 5_000;

/**
 * Verifies HS256 tokens. Rejects with `unauthorized`, or `token_expired` where only the time is over; the
 * message says what is wrong with the token but repeats nothing of it.
 */
export function verifier(secret: string): Verify {
  const key = new TextEncoder().encode(secret);
  return async (token) => {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["HS256"],
      clockTolerance: CLOCK_TOLERANCE_MS / 1_000,
      requiredClaims: ["sub", "tenant", "exp"],
    }).catch((cause: unknown) => {
      if (cause instanceof errors.JWTExpired) throw new PlexusError("token_expired", "the token has expired");
      const reason = cause instanceof errors.JOSEError ? cause.code : "unreadable";
      throw new PlexusError("unauthorized", `the token is not valid (${reason})`, { cause });
    });
    const { sub, tenant, exp, iat, jti, caps } = payload;
    if (typeof sub !== "string" || sub.length === 0 || sub.length > MAX_USER_LENGTH)
      throw new PlexusError("unauthorized", `the token's sub must be 1 to ${MAX_USER_LENGTH} characters`);
    if (!isTenant(tenant)) throw new PlexusError("unauthorized", "the token's tenant is not a tenant's name");
    const capabilities = Capabilities.parse(caps);
    if (typeof capabilities === "string")
      throw new PlexusError("unauthorized", `the token's ${capabilities}`);
    const issuedAt = iat === undefined ? undefined : iat * 1_000;
    const tokenId = typeof jti === "string" ? jti : undefined;
    return { user: sub, tenant, capabilities, expiresAt: exp! * 1_000, issuedAt, tokenId };
  };
}

/** The same, but tokens that are revoked are `unauthorized`. */
export function refusingRevoked(verify: Verify, revocations: RevocationList): Verify {
  return async (token) => {
    const identity = await verify(token);
    if (revocations.isRevoked(identity)) throw new PlexusError("unauthorized", "the token has been revoked");
    return identity;
  };
}
