import { createHash, timingSafeEqual } from "node:crypto";

/** What a token allows: to look, or everything. */
export const ROLES = ["read", "operate"] as const;
export type Role = (typeof ROLES)[number];

/** A bearer token that opens the admin API, known by its hash alone. */
export interface AdminToken {
  /** For the audit log. */
  readonly name: string;
  readonly role: Role;
  readonly sha256: Buffer;
}

const SHORTEST_TOKEN = 32;
const NAMED = /^(?:([A-Za-z0-9_.@-]{1,64}):)?(?:([a-z]+):)?([^\s:,]+)$/;
const BEARER = /^Bearer +(\S+)$/i;

/** Reads `token`, `name:token` and `name:role:token`, with commas in between. Returns a sentence that says what is wrong, and repeats nothing of it. */
export function parseTokens(text: string): AdminToken[] | string {
  const tokens: AdminToken[] = [];
  for (const entry of text.split(",")) {
    const match = NAMED.exec(entry.trim());
    if (match === null) return "must be a token, name:token or name:role:token, with commas in between";
    const [, name, role = "operate", token] = match;
    if (!isRole(role)) return `a role is one of ${ROLES.join(", ")}`;
    if (token!.length < SHORTEST_TOKEN) return `a token must have at least ${SHORTEST_TOKEN} characters`;
    const sha256 = hash(token!);
    tokens.push({ name: name ?? `token-${sha256.toString("hex").slice(0, 8)}`, role, sha256 });
  }
  if (new Set(tokens.map(({ name }) => name)).size < tokens.length) return "names must differ";
  return tokens;
}

/**
 * The token that an `Authorization` header carries; undefined if it carries none of these.
 *
 * Hashes are compared, in a time that does not depend on where they differ, and each time with all of them: the time
 * that this takes says nothing about any token.
 */
export function authenticate(
  header: string | undefined,
  tokens: readonly AdminToken[],
): AdminToken | undefined {
  const given = hash(BEARER.exec(header ?? "")?.[1] ?? "");
  let found: AdminToken | undefined;
  for (const token of tokens) if (timingSafeEqual(given, token.sha256)) found = token;
  return found;
}

function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

function hash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
