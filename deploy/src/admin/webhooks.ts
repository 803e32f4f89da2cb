import { jetstream } from "@nats-io/jetstream";
import { PlexusError, subjects } from "@plexus/protocol";
import { streamsOf, type Webhook } from "@plexus/runtime";
import { Type } from "typebox";
import { DeadLetters } from "../hooks/webhooks/dead-letters.js";
import type { ReplayAnswer, ReplayOrder } from "../hooks/webhooks/dispatcher.js";
import { type WebhookState, WebhookStates } from "../hooks/webhooks/state.js";
import type { AdminContext, AdminServer } from "./context.js";
import { answers, TenantName } from "./schemas.js";
import {
  DeadLettersBody,
  LettersQuery,
  ReplayBody,
  ReplayedBody,
  WebhookParams,
  WebhooksBody,
} from "./webhook-schemas.js";

const MAX_LETTERS = 100;
/** The process that delivers webhooks reads the first letter before it answers. */
const REPLAY_DEADLINE_MS = 5_000;

const tags = ["webhooks"];

/** Opened with the first question: an installation without webhooks needs none of it. */
interface Stores {
  states: WebhookStates;
  letters: DeadLetters;
}

export function webhookRoutes(server: AdminServer, context: AdminContext): void {
  let opened: Promise<Stores> | undefined;
  const stores = () => {
    opened ??= open(context).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  listRoute(server, context, stores);
  lettersRoute(server, context, stores);
  replayRoute(server, context);
}

function listRoute(server: AdminServer, { settings }: AdminContext, stores: () => Promise<Stores>): void {
  server.get(
    "/v1/tenants/:tenant/webhooks",
    {
      schema: {
        tags,
        summary: "A tenant's webhooks, and how they are",
        description: "They are declared in the tenant's settings. Secrets are never shown.",
        params: Type.Object({ tenant: TenantName }),
        response: answers(200, WebhooksBody),
      },
    },
    async ({ params: { tenant } }) => {
      const { states, letters } = await stores();
      const declared = settings.settings.tenant(tenant).webhooks ?? [];
      const webhooks = declared.map(async (webhook) => {
        const state = (await states.read(tenant, webhook.id))?.state;
        return shown(webhook, state, await letters.count(tenant, webhook.id));
      });
      return { webhooks: await Promise.all(webhooks) };
    },
  );
}

function lettersRoute(server: AdminServer, context: AdminContext, stores: () => Promise<Stores>): void {
  server.get(
    "/v1/tenants/:tenant/webhooks/:webhook/dead-letters",
    {
      schema: {
        tags,
        summary: "What could not be delivered, the oldest first",
        params: WebhookParams,
        querystring: LettersQuery,
        response: answers(200, DeadLettersBody),
      },
    },
    async ({ params: { tenant, webhook }, query: { after = 0, limit = MAX_LETTERS } }) => {
      mustExist(context, tenant, webhook);
      const { letters } = await stores();
      const found = await letters.list(tenant, webhook, after + 1, limit);
      return {
        letters: found.map(({ seq: id, letter: { reason, attempts, firstAt, at, batch } }) => {
          const kinds = [...new Set(batch.map((event) => (event as { kind: string }).kind))];
          return { id, reason, attempts, firstAt, at, events: batch.length, kinds };
        }),
        count: await letters.count(tenant, webhook),
      };
    },
  );
}

function replayRoute(server: AdminServer, context: AdminContext): void {
  server.post(
    "/v1/tenants/:tenant/webhooks/:webhook/dead-letters/replay",
    {
      config: { audit: { action: "webhook.replay", fields: ["letter"] } },
      schema: {
        tags,
        summary: "Delivers dead letters again, all or one of them",
        description:
          "The oldest first, each until it is delivered, upon which it is removed. One that fails again stays, and with it those behind it.",
        params: WebhookParams,
        body: ReplayBody,
        response: answers(200, ReplayedBody),
      },
    },
    async ({ params: { tenant, webhook }, body: { letter } }) => {
      mustExist(context, tenant, webhook);
      const order: ReplayOrder = { tenant, webhook, ...(letter === undefined ? {} : { letter }) };
      const reply = await context.nats.request(subjects.orderHooks, JSON.stringify(order), {
        timeout: REPLAY_DEADLINE_MS,
      });
      const answer = reply.json<ReplayAnswer>();
      if ("error" in answer) throw new PlexusError(answer.error.code, answer.error.message);
      return answer;
    },
  );
}

function mustExist({ settings }: AdminContext, tenant: string, id: string): void {
  if (settings.settings.tenant(tenant).webhooks?.some((webhook) => webhook.id === id) !== true)
    throw new PlexusError("not_found", `tenant ${tenant} has no webhook "${id}"`);
}

async function open({ nats, hub, log }: AdminContext): Promise<Stores> {
  const manager = await streamsOf(nats, undefined);
  const states = await WebhookStates.open(nats, log, hub);
  return { states, letters: new DeadLetters(jetstream(nats), manager) };
}

function shown({ id, url, events, channels }: Webhook, state: WebhookState | undefined, deadLetters: number) {
  const { origin, pathname } = new URL(url);
  const { delivered = 0, lastDeliveredAt, failingSince, lastError, lanes = {} } = state ?? {};
  const waiting = Object.values(lanes).reduce((sum, lane) => sum + (lane.waiting ?? 0), 0);
  return {
    id,
    url: origin + pathname,
    events,
    ...(channels === undefined ? {} : { channels }),
    state: stateOf(state),
    delivered,
    waiting,
    deadLetters,
    ...(lastDeliveredAt === undefined ? {} : { lastDeliveredAt }),
    ...(failingSince === undefined ? {} : { failingSince, lastError: lastError ?? "" }),
  };
}

function stateOf(state: WebhookState | undefined): "new" | "delivering" | "failing" {
  if (state === undefined) return "new";
  return state.failingSince === undefined ? "delivering" : "failing";
}
