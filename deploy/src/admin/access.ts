/** Who may ask the admin API for what, and what every answer tells browsers. */
import { PlexusError } from "@plexus/protocol";
import type { FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { Counter } from "prom-client";
import { type AdminToken, authenticate, type Role } from "./auth.js";
import type { AdminServer } from "./context.js";
import { FailedLogins } from "./failed-logins.js";

export const OPENAPI_PATH = "/openapi.json";

/** Answers are data: nothing in them is ever to be run, shown inside another page, or kept. */
export const SECURE_HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

const failures = new Counter({
  name: "plexus_admin_failed_logins_total",
  help: "Requests with a token that is none, by what became of them",
  labelNames: ["outcome"],
});

export function secureAnswers(server: AdminServer): void {
  server.addHook("onRequest", async (_, reply) => {
    reply.headers(SECURE_HEADERS);
  });
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answered without a token. */
    open?: boolean;
  }
}

/** Asks every request but those for the description and the console's page for a token, and for a role that allows what it wants. */
export function requireToken(server: AdminServer, tokens: readonly AdminToken[]): void {
  server.decorateRequest("who", null);
  server.decorateRequest("role", null);
  const failed = new FailedLogins();
  server.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.open === true) return;
    const token = tokenOf(request, reply, tokens, failed);
    request.who = token.name;
    request.role = token.role;
    if (token.role === "read" && roleOf(request.method) === "operate")
      throw new PlexusError("forbidden", `the role of this token is read; ${request.method} needs operate`);
  });
}

function tokenOf(
  request: FastifyRequest,
  reply: FastifyReply,
  tokens: readonly AdminToken[],
  failed: FailedLogins,
): AdminToken {
  const { authorization } = request.headers;
  const retry = authorization === undefined ? 0 : failed.waitMs(request.ip, performance.now());
  if (retry > 0) {
    // Without a look at the token: whoever guesses must not learn which guess was right.
    failures.inc({ outcome: "rate_limited" });
    throw new PlexusError("rate_limited", "too many wrong tokens came from this address", { retry });
  }
  const token = authenticate(authorization, tokens);
  if (token !== undefined) return token;
  if (authorization !== undefined) {
    failed.count(request.ip, performance.now());
    failures.inc({ outcome: "unauthorized" });
  }
  reply.header("www-authenticate", "Bearer");
  throw new PlexusError("unauthorized", "send a valid token: Authorization: Bearer <token>");
}

/** The role that a request needs: looking at something changes nothing. */
export function roleOf(method: string): Role {
  return method === "GET" || method === "HEAD" ? "read" : "operate";
}

/** Says in OpenAPI which role each call needs. */
export function describeRoles(server: AdminServer): void {
  server.addHook("onRoute", (route: RouteOptions) => {
    const { schema } = route;
    if (schema === undefined || schema.hide === true) return;
    const role = roleOf(String(route.method));
    const sentence = `Needs a token with the role ${role}${role === "read" ? " or operate" : ""}.`;
    schema.description = [schema.description, sentence].filter((part) => part !== undefined).join(" ");
    schema.security = [{ token: [role] }];
  });
}
