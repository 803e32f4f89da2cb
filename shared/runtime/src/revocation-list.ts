/**
 * The tokens that are revoked: by their id, or all that a user had until a moment. Pure and bounded; the shared copy
 * is kept by `revocation-store.ts`.
 */

/** Entries at once. A full list refuses new ones rather than forgetting what was revoked. */
export const MAX_REVOCATIONS = 100_000;
/** For how long a revocation can be remembered: a token must not live longer than that. */
export const MAX_REVOCATION_MS = 366 * 24 * 60 * 60 * 1_000;
export const MAX_TOKEN_ID_LENGTH = 256;

/** All tokens that a user had at a moment. */
export interface UserRevocation {
  tenant: string;
  user: string;
  /** Tokens issued after this moment are not concerned; milliseconds since 1970. */
  before: number;
  /** When the last token concerned has expired by itself, and this may be forgotten. */
  until: number;
}

/** One token, by its id. */
export interface TokenRevocation {
  /** null: whatever the tenant. */
  tenant: string | null;
  jti: string;
  until: number;
}

export type Revocation = UserRevocation | TokenRevocation;

/** What has to be known of a token to tell whether it is revoked. */
export interface TokenFacts {
  readonly tenant: string;
  readonly user: string;
  /** The claim `jti`. */
  readonly tokenId?: string | undefined;
  /** The claim `iat`, milliseconds since 1970. */
  readonly issuedAt?: number | undefined;
}

/** The key of a revocation, fit for a key of NATS KV: names are encoded, tenants and `_` are as they are. */
export function revocationKey(revocation: Revocation): string {
  const { tenant } = revocation;
  return "user" in revocation ? userKey(tenant ?? "_", revocation.user) : tokenKey(tenant, revocation.jti);
}

function userKey(tenant: string, user: string): string {
  return `user.${tenant}.${encoded(user)}`;
}

function tokenKey(tenant: string | null, jti: string): string {
  return `jti.${tenant ?? "_"}.${encoded(jti)}`;
}

function encoded(name: string): string {
  return Buffer.from(name).toString("base64url");
}

/** Whether one revocation concerns a token. */
export function concerns(revocation: Revocation, token: TokenFacts): boolean {
  if ("jti" in revocation)
    return (
      revocation.jti === token.tokenId && (revocation.tenant === null || revocation.tenant === token.tenant)
    );
  return (
    revocation.user === token.user &&
    revocation.tenant === token.tenant &&
    // `iat` is in whole seconds: a token of the same second counts as older, and so does one that does not say.
    (token.issuedAt === undefined || token.issuedAt <= revocation.before)
  );
}

export class RevocationList {
  readonly #entries = new Map<string, Revocation>();

  get size(): number {
    return this.#entries.size;
  }

  get(revocation: Revocation): Revocation | undefined {
    return this.#entries.get(revocationKey(revocation));
  }

  hasRoomFor(revocation: Revocation): boolean {
    return this.#entries.size < MAX_REVOCATIONS || this.#entries.has(revocationKey(revocation));
  }

  /** Adds an entry or replaces the one of the same key; false where the list is full. */
  put(revocation: Revocation): boolean {
    if (!this.hasRoomFor(revocation)) return false;
    this.#entries.set(revocationKey(revocation), revocation);
    return true;
  }

  isRevoked(token: TokenFacts): boolean {
    const { tenant, user, tokenId } = token;
    const keys = [userKey(tenant, user)];
    if (tokenId !== undefined) keys.push(tokenKey(tenant, tokenId), tokenKey(null, tokenId));
    return keys.some((key) => {
      const entry = this.#entries.get(key);
      return entry !== undefined && concerns(entry, token);
    });
  }

  /** Forgets what is over, and says what it was. */
  expire(now: number): Revocation[] {
    const over = [...this.#entries.values()].filter((entry) => entry.until <= now);
    for (const entry of over) this.#entries.delete(revocationKey(entry));
    return over;
  }
}
