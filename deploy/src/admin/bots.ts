import { Capabilities, PlexusError } from "@plexus/protocol";
import { type Static, Type } from "typebox";
import { brokerAuthorization } from "../bots/authorization.js";
import { checkedUserKey, newKeyPair } from "../bots/keys.js";
import { permissionsOf } from "../bots/permissions.js";
import {
  BotName,
  BotsBody,
  CreateBotBody,
  CreatedBotBody,
  RevokedBotBody,
  textAnswers,
} from "./bot-schemas.js";
import type { AdminContext, AdminServer } from "./context.js";
import { answers, TenantName } from "./schemas.js";

const tags = ["bots"];
const Tenant = Type.Object({ tenant: TenantName });
const Bot = Type.Object({ tenant: TenantName, name: BotName });

/** Bots that may log in to the bus. The routes that read show no secrets: there are none but in the one answer. */
export function botRoutes(server: AdminServer, context: AdminContext): void {
  const { bots, internalKeys } = context;
  server.post(
    "/v1/tenants/:tenant/bots",
    {
      config: { audit: { action: "bot.create", fields: ["name", "publicKey"] } },
      schema: {
        tags,
        summary: "Makes credentials for a bot",
        description:
          "Without a public key a pair is made, and the answer holds the seed: it is kept nowhere, and never shown again.",
        params: Tenant,
        body: CreateBotBody,
        response: answers(201, CreatedBotBody),
      },
    },
    async ({ params: { tenant }, body }, reply) =>
      reply.code(201).send(await createBot(context, tenant, body)),
  );
  server.get(
    "/v1/tenants/:tenant/bots",
    {
      schema: { tags, summary: "The bots of a tenant", params: Tenant, response: answers(200, BotsBody) },
    },
    async ({ params: { tenant } }) => ({ bots: bots.bots.filter((bot) => bot.tenant === tenant) }),
  );
  server.get(
    "/v1/bots",
    { schema: { tags, summary: "The bots of all tenants", response: answers(200, BotsBody) } },
    async () => ({ bots: bots.bots }),
  );
  server.delete(
    "/v1/tenants/:tenant/bots/:name",
    {
      config: { audit: { action: "bot.revoke" } },
      schema: {
        tags,
        summary:
          "Revokes a bot's credentials; it is disconnected as soon as the broker's configuration is taken",
        params: Bot,
        response: answers(200, RevokedBotBody),
      },
    },
    async ({ params: { tenant, name } }) => ({ revoked: await bots.remove(tenant, name) }),
  );
  server.get(
    "/v1/bots/authorization",
    {
      schema: {
        tags,
        summary: "The broker's configuration for internal processes and all bots; it holds public keys only",
        response: textAnswers("a NATS server's configuration"),
      },
    },
    async (_, reply) => {
      if (internalKeys.length === 0)
        throw new PlexusError(
          "conflict",
          "no key of an internal process is known, and none could log in: see PLEXUS_NATS_NKEY_SEED_FILE",
        );
      return reply.type("text/plain").send(brokerAuthorization(bots.bots, { internal: internalKeys }));
    },
  );
}

async function createBot(
  { bots }: AdminContext,
  tenant: string,
  { name, caps, publicKey }: Static<typeof CreateBotBody>,
): Promise<Static<typeof CreatedBotBody>> {
  const capabilities = Capabilities.parse(caps);
  if (typeof capabilities === "string") throw new PlexusError("bad_request", capabilities);
  if (Object.values(caps).every((actions) => actions.length === 0))
    throw new PlexusError("bad_request", "caps: a bot that may do nothing needs no credentials");
  permissionsOf({ tenant, name, caps });
  const pair = publicKey === undefined ? newKeyPair() : { publicKey: checkedUserKey(publicKey) };
  if (bots.bots.some((other) => other.publicKey === pair.publicKey))
    throw new PlexusError("conflict", "another bot has this public key");
  const bot = { tenant, name, publicKey: pair.publicKey, caps, createdAt: Date.now() };
  await bots.add(bot);
  return { bot, ...("seed" in pair ? { seed: pair.seed } : {}) };
}
