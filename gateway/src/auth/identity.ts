/** Who a connection is, and how whatever vouches for that says so. */
import { type Capabilities, isTenant, isText, MAX_USER_LENGTH, PlexusError } from "@plexus/protocol";
import { SharedCapabilities } from "./shared-capabilities.js";

const shared = new SharedCapabilities();

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

/** What is known of a client beside its token. */
export interface Caller {
  /** Where it connects from. */
  readonly address?: string | undefined;
}

/**
 * Rejects with `unauthorized`, or `token_expired` where only the time is over, `forbidden` where the tenant may not use
 * the installation, `unavailable` where that can't be told now. No message repeats anything of the token.
 */
export type Verify = (token: string, caller?: Caller) => Promise<Identity>;

/** What somebody trusted says about a user, unchecked. */
export interface Claims {
  readonly user: unknown;
  readonly tenant: unknown;
  readonly caps: unknown;
  readonly expiresAt: number;
  readonly issuedAt?: number | undefined;
  readonly tokenId?: unknown;
}

/** Rejects with `unauthorized` naming the claim that makes no sense. */
export function identityOf({ user, tenant, caps, expiresAt, issuedAt, tokenId }: Claims): Identity {
  if (!isText(user, MAX_USER_LENGTH))
    throw unauthorized(`the token's sub must be 1 to ${MAX_USER_LENGTH} characters`);
  if (!isTenant(tenant)) throw unauthorized("the token's tenant is not a tenant's name");
  const capabilities = shared.of(caps);
  if (typeof capabilities === "string") throw unauthorized(`the token's ${capabilities}`);
  const id = typeof tokenId === "string" ? tokenId : undefined;
  return { user, tenant, capabilities, expiresAt, issuedAt, tokenId: id };
}

export function unauthorized(message: string, cause?: unknown): PlexusError {
  return new PlexusError("unauthorized", message, { cause });
}
