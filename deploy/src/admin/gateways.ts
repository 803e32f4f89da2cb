import { PlexusError, subjects } from "@plexus/protocol";
import {
  type DrainAnswer,
  type DrainOrder,
  type GatewayStatus,
  gather,
  OperationStore,
} from "@plexus/runtime";
import { Type } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import type { Answers } from "./gateway-roster.js";
import { answers, GatewayId, GatewaysBody, StartedBody } from "./schemas.js";

/** Longer than other questions: a busy gateway is no reason to refuse, and it records the operation before it answers. */
const DRAIN_WAIT_MS = 3_000;

const tags = ["gateways"];
const DrainBody = Type.Object(
  {
    perSecond: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        description: "connections told to go per second; the gateway's own option where it is missing",
      }),
    ),
    force: Type.Optional(Type.Boolean({ description: "even if no other gateway accepts connections" })),
  },
  { additionalProperties: false },
);

export function gatewayRoutes(server: AdminServer, context: AdminContext): void {
  server.get(
    "/v1/gateways",
    { schema: { tags, summary: "The gateways, and how they are", response: answers(200, GatewaysBody) } },
    async () => {
      const { answers, missing } = await context.gateways.statuses();
      const gateways = answers.map(({ operation, ...rest }) => ({
        ...rest,
        ...(operation === null ? {} : { operation }),
      }));
      return { gateways, missing };
    },
  );
  server.post(
    "/v1/gateways/:id/drain",
    {
      config: { audit: { action: "gateway.drain", fields: ["perSecond", "force"] } },
      schema: {
        tags,
        summary: "Sends a gateway's connections to the others, a few at a time; it accepts no more",
        description:
          "The same call again answers the same operation. The gateway stays drained until it is started again.",
        params: Type.Object({ id: GatewayId }),
        body: DrainBody,
        response: answers(202, StartedBody),
      },
    },
    async ({ params, body }, reply) => {
      const known = await context.gateways.statuses(DRAIN_WAIT_MS);
      assertMayDrain(params.id, known, body.force === true);
      const id = await startDrain(context, params.id, body.perSecond);
      return reply.code(202).send({ operation: await context.operations.get(id) });
    },
  );
}

/** Throws `not_found`, `unavailable` where the gateway is known but silent, `conflict` where clients would have nowhere to go. */
export function assertMayDrain(
  id: string,
  { answers: gateways, missing }: Answers<GatewayStatus>,
  force: boolean,
): void {
  const names = gateways.map((gateway) => gateway.id).join(", ") || "none";
  const own = gateways.filter((gateway) => gateway.id === id);
  if (own.length === 0 && missing.includes(id))
    throw new PlexusError("unavailable", `gateway ${id} does not answer`, { retry: 1_000 });
  if (own.length === 0) throw new PlexusError("not_found", `there is no gateway ${id}; there is: ${names}`);
  const underWay = own.some(({ draining }) => draining);
  const others = gateways.some((gateway) => gateway.id !== id && !gateway.draining);
  if (!underWay && !others && !force)
    throw new PlexusError(
      "conflict",
      "no other gateway accepts connections; start another one first, or insist with `force`",
    );
}

async function startDrain(
  { nats, log }: AdminContext,
  gateway: string,
  perSecond: number | undefined,
): Promise<string> {
  const proposed = OperationStore.newId("gateway-drain", Date.now());
  const order: DrainOrder = { operation: proposed, ...(perSecond === undefined ? {} : { perSecond }) };
  const options = { waitMs: DRAIN_WAIT_MS, enough: (heard: readonly DrainAnswer[]) => heard.length > 0 };
  const [answer] = await gather<DrainAnswer>(nats, subjects.drainGateway(gateway), order, log, options);
  if (answer === undefined)
    throw new PlexusError("timeout", `gateway ${gateway} did not answer`, { retry: 1_000 });
  if (answer.operation === null)
    throw new PlexusError("unavailable", "the operation could not be recorded", { retry: 1_000 });
  return answer.operation;
}
