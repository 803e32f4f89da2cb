import { Type } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import { viewOf } from "./operations.js";
import { answers, PinBody, StartedBody, TenantBody, TenantName } from "./schemas.js";

const tags = ["tenants"];
const params = Type.Object({ tenant: TenantName });

/** Where the channels of a tenant may live. */
export function tenantRoutes(server: AdminServer, { directory, cellChanges }: AdminContext): void {
  server.get(
    "/v1/tenants/:tenant",
    {
      schema: {
        tags,
        summary: "Which region a tenant is bound to",
        params,
        response: answers(200, TenantBody),
      },
    },
    async ({ params: { tenant } }) => ({ tenant, pin: directory.current.tenants?.[tenant] ?? null }),
  );
  server.post(
    "/v1/tenants/:tenant/pin",
    {
      config: { audit: { action: "tenant.pin", fields: ["region", "failover"] } },
      schema: {
        tags,
        summary: "Binds a tenant to a region; its channels move there",
        params,
        body: PinBody,
        response: answers(202, StartedBody),
      },
    },
    async ({ params: { tenant }, body: { region, failover = false } }, reply) => {
      const operation = await cellChanges.pinTenant(tenant, { region, failover });
      return reply.code(202).send({ operation: viewOf(operation) });
    },
  );
  server.post(
    "/v1/tenants/:tenant/unpin",
    {
      config: { audit: { action: "tenant.unpin" } },
      schema: {
        tags,
        summary: "Lets a tenant's channels live anywhere again",
        params,
        response: answers(202, StartedBody),
      },
    },
    async ({ params: { tenant } }, reply) =>
      reply.code(202).send({ operation: viewOf(await cellChanges.pinTenant(tenant, null)) }),
  );
}
