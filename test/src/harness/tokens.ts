/** Tokens as an application's own server would issue them. */
import type { Action } from "@plexus/protocol";
import { SignJWT } from "jose";

export const TENANT = "demo";
export const EVERYTHING: Action[] = ["sub", "pub", "presence", "history", "signal"];

export interface TokenOptions {
  tenant?: string;
  caps?: Record<string, string[]>;
  /** Seconds from now; negative for one that is over. */
  expiresInS?: number;
  /** Put in place of or beside the usual claims; undefined leaves one out. */
  claims?: Record<string, unknown>;
}

export function signToken(secret: string, user: string, options: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    sub: user,
    tenant: options.tenant ?? TENANT,
    caps: options.caps ?? { ">": EVERYTHING },
    exp: now + (options.expiresInS ?? 3_600),
    ...options.claims,
  };
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));
}
