import { Capabilities, PlexusError } from "@plexus/protocol";
import type { Revocation } from "@plexus/runtime";
import type { Static } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import { answers, IssuedBody, RevokeBody, RevokedBody, TokenBody } from "./schemas.js";
import { signToken } from "./sign-token.js";

const DEFAULT_LIFETIME_MS = 60 * 60 * 1_000;

const tags = ["tokens"];

export function tokenRoutes(server: AdminServer, context: AdminContext): void {
  const { revocations, maxTokenLifetimeMs, tokenSecret } = context;
  server.post(
    "/v1/tokens/revoke",
    {
      config: { audit: { action: "token.revoke", fields: ["tenant", "user", "jti"] } },
      schema: {
        tags,
        summary: "Revokes one token by its jti, or all tokens that a user has now",
        description:
          "Within a second gateways close the connections concerned with 4501 and refuse these tokens. Of a user's tokens those count as issued before whose `iat` lies in the same second, or is missing. A `jti` without a tenant is revoked in all of them.",
        body: RevokeBody,
        response: answers(200, RevokedBody),
      },
    },
    async ({ body }) => {
      const revocation = revocationOf(body, Date.now(), maxTokenLifetimeMs);
      await revocations.add(revocation);
      return revocation;
    },
  );
  if (tokenSecret !== undefined) issueRoute(server, tokenSecret);
}

export function revocationOf(
  body: Static<typeof RevokeBody>,
  now: number,
  maxTokenLifetimeMs: number,
): Revocation {
  const { tenant, user, jti } = body;
  const until = now + (body.lifetimeMs ?? maxTokenLifetimeMs);
  if ((user === undefined) === (jti === undefined))
    throw new PlexusError("bad_request", "give either user (with tenant) or jti");
  if (jti !== undefined) return { tenant: tenant ?? null, jti, until };
  if (tenant === undefined) throw new PlexusError("bad_request", "user needs the tenant that it belongs to");
  return { tenant, user: user!, before: now, until };
}

function issueRoute(server: AdminServer, secret: string): void {
  const key = new TextEncoder().encode(secret);
  server.post(
    "/v1/tokens",
    {
      config: { audit: { action: "token.issue", fields: ["tenant", "user", "jti"] } },
      schema: {
        tags,
        summary: "Makes a token for a client; for trying things out",
        body: TokenBody,
        response: answers(200, IssuedBody),
      },
    },
    async ({ body: { tenant, user, caps = {}, lifetimeMs = DEFAULT_LIFETIME_MS, jti } }) => {
      const capabilities = Capabilities.parse(caps);
      if (typeof capabilities === "string") throw new PlexusError("bad_request", capabilities);
      return signToken(key, { tenant, user, caps, lifetimeMs, jti: jti ?? crypto.randomUUID() });
    },
  );
}
