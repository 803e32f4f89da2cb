import {
  channelKey,
  isPlain,
  isText,
  MAX_DATA_DEPTH,
  MAX_MESSAGE_ID_LENGTH,
  MAX_USER_LENGTH,
  PlexusError,
  subjects,
  TRACE_HEADER,
} from "@plexus/protocol";
import {
  type ChannelSubscribers,
  HISTORY_DEFAULT,
  homeOf,
  partitionOf,
  publishItem,
  readHistory,
  readMembers,
} from "@plexus/runtime";
import { type Static, Type } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import {
  answers,
  ChannelBody,
  ChannelName,
  HistoryBody,
  PresenceBody,
  PublishBody,
  PublishedBody,
  TenantName,
} from "./schemas.js";
import { askWorkers, ownerOf } from "./workers.js";

const MAX_HISTORY = 1_000;
/** A channel that does not answer must not keep the rest from being shown. */
const POSITION_WAIT_MS = 3_000;
/** What stands for the connection in messages that were published here. */
const CONN = "server";

const tags = ["channels"];
export const ChannelParams = Type.Object({ tenant: TenantName, channel: ChannelName });
const Range = Type.Object(
  {
    before: Type.Optional(Type.Integer({ minimum: 1, description: "messages before this seq" })),
    after: Type.Optional(Type.Integer({ minimum: 0, description: "messages after this seq" })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_HISTORY, default: HISTORY_DEFAULT })),
  },
  { additionalProperties: false },
);

export function channelRoutes(server: AdminServer, context: AdminContext): void {
  const { router } = context;
  server.get(
    "/v1/tenants/:tenant/channels/:channel",
    {
      schema: {
        tags,
        summary: "Where a channel is, and who uses it",
        params: ChannelParams,
        response: answers(200, ChannelBody),
      },
    },
    ({ params }) => describeChannel(context, params.tenant, params.channel),
  );
  server.post(
    "/v1/tenants/:tenant/channels/:channel/messages",
    {
      config: { audit: { action: "channel.publish", fields: ["user", "mid"] } },
      schema: {
        tags,
        summary: "Publishes a message; answers once it is durable",
        description:
          "The same `mid` by the same user within two minutes answers the first position with `dup`, and delivers nothing. It counts against the tenant's quotas: 429 with `retry-after` where it publishes more than it may.",
        params: ChannelParams,
        body: PublishBody,
        response: answers(200, PublishedBody),
      },
    },
    ({ params, body, headers }) => {
      const given = headers[TRACE_HEADER];
      const traceparent = typeof given === "string" ? given : undefined;
      return publish(context, params.tenant, params.channel, body, traceparent);
    },
  );
  server.get(
    "/v1/tenants/:tenant/channels/:channel/history",
    {
      schema: {
        tags,
        summary: "Messages in ascending order: the newest, or those before or after a seq",
        params: ChannelParams,
        querystring: Range,
        response: answers(200, HistoryBody),
      },
    },
    ({ params, query }) =>
      readHistory(router, params.tenant, params.channel, { ...query, limit: query.limit ?? HISTORY_DEFAULT }),
  );
  server.get(
    "/v1/tenants/:tenant/channels/:channel/presence",
    {
      schema: { tags, summary: "Who is here", params: ChannelParams, response: answers(200, PresenceBody) },
    },
    async ({ params }) => {
      const { members, stale } = await readMembers(router, params.tenant, params.channel);
      return { members, count: members.length, ...(stale ? { stale } : {}) };
    },
  );
}

async function describeChannel(
  context: AdminContext,
  tenant: string,
  channel: string,
): Promise<Static<typeof ChannelBody>> {
  const { directory, gateways } = context;
  const home = homeOf(directory.current, tenant, channel);
  const partition = partitionOf(channelKey(tenant, channel));
  const question = { tenant, channel };
  const [workers, subscribed, position] = await Promise.all([
    home === undefined ? undefined : askWorkers(context, home.cell),
    gateways.ask<ChannelSubscribers>(subjects.channelSubscribers, question),
    positionOf(context, tenant, channel),
  ]);
  return {
    tenant,
    channel,
    cell: home?.cell ?? null,
    partition,
    worker: ownerOf(partition, workers?.answers ?? []),
    ...position,
    subscribers: byGateway(subscribed.answers),
    missing: subscribed.missing,
  };
}

/** Two runs of one gateway may answer while the one takes over from the other. */
export function byGateway(answers: readonly ChannelSubscribers[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const sorted = [...answers].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const { id, subscribers } of sorted) counts[id] = (counts[id] ?? 0) + subscribers;
  return counts;
}

async function positionOf({ router, settings }: AdminContext, tenant: string, channel: string) {
  const ask = async () => {
    const { head } = await router.ask("head", tenant, channel, { gateway: CONN });
    const { presence } = settings.settings.of(tenant, channel);
    const members = presence ? (await readMembers(router, tenant, channel)).members.length : 0;
    return { ...head, members };
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new PlexusError("timeout", "the channel does not answer");
    timer = setTimeout(() => reject(error), POSITION_WAIT_MS);
  });
  try {
    return await Promise.race([ask(), late]);
  } catch (error) {
    if (!(error instanceof PlexusError)) throw error;
    return { epoch: null, seq: null, members: null, problem: error.message };
  } finally {
    clearTimeout(timer);
  }
}

function publish(
  { publisher, tenants, tracer }: AdminContext,
  tenant: string,
  channel: string,
  { data, user, mid }: Static<typeof PublishBody>,
  traceparent: string | undefined,
): Promise<Static<typeof PublishedBody>> {
  if (!isPlain(data, MAX_DATA_DEPTH))
    throw new PlexusError("bad_request", `data may be nested ${MAX_DATA_DEPTH} deep at most`);
  if (!isText(user, MAX_USER_LENGTH) || (mid !== undefined && !isText(mid, MAX_MESSAGE_ID_LENGTH)))
    throw new PlexusError("bad_request", "user and mid must be Unicode, without halves of surrogate pairs");
  const json = JSON.stringify(data);
  tenants.admitPublish(tenant, channel, Buffer.byteLength(json), performance.now());
  const id = mid ?? `${CONN}.${crypto.randomUUID()}`;
  const item = publishItem({ id, user, conn: CONN, json }, mid !== undefined);
  const trace = tracer.begin(tenant, channel, traceparent, "api");
  return publisher.publishAndWait(tenant, channel, item, trace);
}
