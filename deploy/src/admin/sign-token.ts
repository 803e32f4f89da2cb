import { SignJWT } from "jose";

/** A token for a client, as gateways of this installation accept it (HS256). */
export async function signToken(
  key: Uint8Array,
  claims: { tenant: string; user: string; caps: object; lifetimeMs: number; jti: string },
): Promise<{ token: string; jti: string; expiresAt: number }> {
  const { tenant, user, caps, lifetimeMs, jti } = claims;
  const nowS = Math.floor(Date.now() / 1_000);
  const expS = nowS + Math.ceil(lifetimeMs / 1_000);
  const token = await new SignJWT({ tenant, caps })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user)
    .setIssuedAt(nowS)
    .setExpirationTime(expS)
    .setJti(jti)
    .sign(key);
  return { token, jti, expiresAt: expS * 1_000 };
}
