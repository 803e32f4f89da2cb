import type { BlockList } from "node:net";
import swagger from "@fastify/swagger";
import { PlexusError } from "@plexus/protocol";
import { isWithin, TLS_MIN_VERSION, type Tls } from "@plexus/runtime";
import Fastify, { type FastifyError, type FastifyReply } from "fastify";
import { Counter } from "prom-client";
import { describeRoles, OPENAPI_PATH, requireToken, SECURE_HEADERS, secureAnswers } from "./access.js";
import { adviceRoutes } from "./advice/routes.js";
import { ADVICE_NAMED } from "./advice/schemas.js";
import { auditChanges } from "./audit.js";
import type { AdminToken } from "./auth.js";
import { BOTS_NAMED } from "./bot-schemas.js";
import { botRoutes } from "./bots.js";
import { cellRoutes } from "./cells.js";
import { channelRoutes } from "./channels.js";
import { consoleRoutes } from "./console.js";
import type { AdminContext, AdminServer } from "./context.js";
import { boundAnswers } from "./deadline.js";
import { errorAnswer, schemaErrorFormatter, toPlexusError } from "./errors.js";
import { gatewayRoutes } from "./gateways.js";
import { MeBody, meRoutes } from "./me.js";
import { operationRoutes } from "./operation-routes.js";
import { NAMED } from "./schemas.js";
import { settingsRoutes } from "./settings-routes.js";
import { SETTINGS_NAMED } from "./settings-schemas.js";
import { statsRoutes } from "./stats/routes.js";
import { STATS_NAMED } from "./stats/schemas.js";
import { tailRoutes } from "./tail.js";
import { tenantRoutes } from "./tenants.js";
import { tokenRoutes } from "./tokens.js";
import { traceRoutes } from "./traces/routes.js";
import { userRoutes } from "./users.js";
import { WEBHOOKS_NAMED } from "./webhook-schemas.js";
import { webhookRoutes } from "./webhooks.js";

/** The largest message that a namespace may allow, with room for escapes. */
const MAX_BODY_BYTES = 512 * 1024;
/** The longest user, every character of it percent-encoded. */
const MAX_PARAM_LENGTH = 2_048;

const requests = new Counter({
  name: "plexus_admin_requests_total",
  help: "Requests to the admin API",
  labelNames: ["route", "status"],
});

export interface Access {
  readonly tokens: readonly AdminToken[];
  readonly tls: Tls | undefined;
  /** Proxies whose word is taken for a client's address. */
  readonly trusted: BlockList;
}

/** The admin API as a Fastify server that does not listen yet. */
export async function buildServer(
  context: AdminContext,
  { tokens, tls, trusted }: Access,
): Promise<AdminServer> {
  const server: AdminServer = Fastify({
    https: tls === undefined ? null : { cert: tls.cert, key: tls.key, minVersion: TLS_MIN_VERSION },
    trustProxy: (address) => isWithin(trusted, address),
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: true,
    // An unknown field is an error: it is a misspelt one, usually.
    ajv: { customOptions: { removeAdditional: false, verbose: true } },
    schemaErrorFormatter,
    frameworkErrors: (error, _, reply) => answerMalformed(error, reply),
  });
  acceptEmptyBodies(server);
  secureAnswers(server);
  boundAnswers(server);
  requireToken(server, tokens);
  answerErrors(server, context);
  auditChanges(server, context.log);
  countRequests(server);
  for (const schema of [
    ...NAMED,
    MeBody,
    ...SETTINGS_NAMED,
    ...BOTS_NAMED,
    ...WEBHOOKS_NAMED,
    ...STATS_NAMED,
    ...ADVICE_NAMED,
  ])
    server.addSchema(schema);
  await describe(server);
  describeRoles(server);
  for (const add of [
    statsRoutes,
    adviceRoutes,
    cellRoutes,
    tenantRoutes,
    settingsRoutes,
    operationRoutes,
    gatewayRoutes,
    channelRoutes,
    tailRoutes,
    traceRoutes,
    userRoutes,
    webhookRoutes,
    tokenRoutes,
    meRoutes,
    botRoutes,
  ])
    add(server, context);
  const open = { config: { open: true }, schema: { hide: true } };
  server.get(OPENAPI_PATH, open, () => server.swagger());
  consoleRoutes(server);
  return server;
}

/** A POST that has nothing to say may come without a body, whatever its content type. */
function acceptEmptyBodies(server: AdminServer): void {
  const parse = server.getDefaultJsonParser("error", "ignore");
  const types = ["application/json", "application/merge-patch+json"];
  server.addContentTypeParser(types, { parseAs: "string" }, (request, body: string, done) => {
    if (body === "") done(null, {});
    else parse(request, body, done);
  });
  server.addHook("preValidation", async (request) => {
    if (request.method === "POST" && request.body === undefined) request.body = {};
  });
}

function answerErrors(server: AdminServer, { log }: AdminContext): void {
  server.decorateRequest("errorCode", null);
  server.setErrorHandler((error, request, reply) => {
    const known = toPlexusError(error);
    if (known === undefined)
      log.error({ err: error, method: request.method, path: request.routeOptions.url }, "request failed");
    else if (known.cause !== undefined) log.warn({ err: known.cause }, known.message);
    const shown = known ?? new PlexusError("internal", "internal error");
    request.errorCode = shown.code;
    if (shown.retry !== undefined) reply.header("retry-after", Math.ceil(shown.retry / 1_000));
    const { status, body } = errorAnswer(shown);
    return reply.code(status).send(body);
  });
  server.setNotFoundHandler((request) => {
    throw new PlexusError("not_found", `there is no ${request.method} here; see ${OPENAPI_PATH}`);
  });
}

/** A path that no route gets to see, so that no hook does either: no URL, or with a name in it that is too long. */
function answerMalformed({ code }: FastifyError, reply: FastifyReply): void {
  const long = code === "FST_ERR_MAX_PARAM_LENGTH";
  const message = long ? "a name in the path is too long" : "the path is no valid URL";
  const { status, body } = errorAnswer(new PlexusError("bad_request", message));
  void reply.code(status).headers(SECURE_HEADERS).send(body);
}

function countRequests(server: AdminServer): void {
  server.addHook("onResponse", async (request, reply) => {
    requests.inc({ route: request.routeOptions.url ?? "none", status: String(reply.statusCode) });
  });
}

async function describe(server: AdminServer): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Plexus admin API",
        version: "1",
        description:
          "For operators. Tokens have a role: read, for every GET, or operate, for everything. Times are milliseconds since 1970. Errors are `{error: {code, message, retry?}}`.",
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
    refResolver: { buildLocalReference: (json) => String(json.$id) },
  });
}
