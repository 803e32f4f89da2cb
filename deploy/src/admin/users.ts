import { subjects } from "@plexus/protocol";
import type { Disconnected, DisconnectOrder, UserConnections, UserQuestion } from "@plexus/runtime";
import { Type } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import { answers, DisconnectBody, DisconnectedBody, TenantName, UserBody, UserName } from "./schemas.js";

const tags = ["users"];
const params = Type.Object({ tenant: TenantName, user: UserName });

export function userRoutes(server: AdminServer, { gateways }: AdminContext): void {
  server.get(
    "/v1/tenants/:tenant/users/:user",
    { schema: { tags, summary: "Where a user is connected", params, response: answers(200, UserBody) } },
    async ({ params: { tenant, user } }) => {
      const question: UserQuestion = { tenant, user };
      const { answers, missing } = await gateways.ask<UserConnections>(subjects.userConnections, question);
      const connections = answers.flatMap(({ id: gateway, connections }) =>
        connections.map(({ conn, ...rest }) => ({ conn, gateway, ...rest })),
      );
      const count = answers.reduce((sum, answer) => sum + answer.count, 0);
      return { tenant, user, connections, count, missing };
    },
  );
  server.post(
    "/v1/tenants/:tenant/users/:user/disconnect",
    {
      config: { audit: { action: "user.disconnect", fields: ["conn"] } },
      schema: {
        tags,
        summary: "Closes a user's connections",
        description:
          "They are closed with 4504, upon which an SDK does not come back by itself. To keep a user out, revoke their tokens.",
        params,
        body: DisconnectBody,
        response: answers(200, DisconnectedBody),
      },
    },
    async ({ params: { tenant, user }, body }) => {
      const order: DisconnectOrder = { tenant, user, ...body };
      const { answers, missing } = await gateways.ask<Disconnected>(subjects.disconnectUser, order);
      return { closed: answers.reduce((sum, { closed }) => sum + closed, 0), missing };
    },
  );
}
