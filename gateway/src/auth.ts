import { Capabilities, isTenant, MAX_USER_LENGTH, PlexusError } from "@plexus/protocol";
import { errors, jwtVerify } from "jose";

/** Who a connection is, as its token says. */
export interface Identity {
  readonly user: string;
  readonly tenant: string;
  readonly capabilities: Capabilities;
  /** When the token's time is over, milliseconds since 1970. */
  readonly expiresAt: number;
}

export type Verify = (token: string) => Promise<Identity>;

/** Clocks of whoever issues tokens and of gateways may differ by so much. */
const CLOCK_TOLERANCE_S = 5;

/**
 * Verifies HS256 tokens. Rejects with `unauthorized`, or `token_expired` where only the time is over; the
 * message says what is wrong with the token but repeats nothing of it.
 */
export function verifier(secret: string): Verify {
  const key = new TextEncoder().encode(secret);
  return async (token) => {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["HS256"],
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ["sub", "tenant", "exp"],
    }).catch((cause: unknown) => {
      if (cause instanceof errors.JWTExpired) throw new PlexusError("token_expired", "the token has expired");
      const reason = cause instanceof errors.JOSEError ? cause.code : "unreadable";
      throw new PlexusError("unauthorized", `the token is not valid (${reason})`, { cause });
    });
    const { sub, tenant, exp, caps } = payload;
    if (typeof sub !== "string" || sub.length === 0 || sub.length > MAX_USER_LENGTH)
      throw new PlexusError("unauthorized", `the token's sub must be 1 to ${MAX_USER_LENGTH} characters`);
    if (!isTenant(tenant)) throw new PlexusError("unauthorized", "the token's tenant is not a tenant's name");
    const capabilities = Capabilities.parse(caps);
    if (typeof capabilities === "string")
      throw new PlexusError("unauthorized", `the token's ${capabilities}`);
    return { user: sub, tenant, capabilities, expiresAt: exp! * 1_000 };
  };
}
