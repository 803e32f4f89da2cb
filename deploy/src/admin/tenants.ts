import type { Quotas, Settings } from "@plexus/runtime";
import { Type } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import { viewOf } from "./operations.js";
import { answers, PinBody, StartedBody, TenantBody, TenantName } from "./schemas.js";
import { TenantsBody } from "./settings-schemas.js";

const tags = ["tenants"];
const params = Type.Object({ tenant: TenantName });

/** Tenants: who there is, and where their channels may live. What is put down about them: settings-routes.ts. */
export function tenantRoutes(server: AdminServer, { directory, cellChanges, settings }: AdminContext): void {
  listRoute(server, settings.settings);
  server.get(
    "/v1/tenants/:tenant",
    {
      schema: {
        tags,
        summary: "Which region a tenant is bound to, whether it is admitted, and its quotas",
        params,
        response: answers(200, TenantBody),
      },
    },
    async ({ params: { tenant } }) => {
      const { listed, admitted, quotas } = settings.settings.tenant(tenant);
      const pin = directory.current.tenants?.[tenant] ?? null;
      return { tenant, pin, listed, admitted, quotas: given(quotas) };
    },
  );
  server.post(
    "/v1/tenants/:tenant/pin",
    {
      config: { audit: { action: "tenant.pin", fields: ["region", "failover"] } },
      schema: {
        tags,
        summary: "Binds a tenant to a region; its channels move there",
        description:
          "`conflict` where the region has no active cell and no other may serve. As long as a tenant is bound so, the region's last active cell can't be drained.",
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

/** As many as one answer shows, where it is not said. */
const DEFAULT_LIMIT = 1_000;

function listRoute(server: AdminServer, settings: Settings): void {
  server.get(
    "/v1/tenants",
    {
      schema: {
        tags,
        summary: "The tenants that something is put down about, by name",
        querystring: Type.Object({
          after: Type.Optional(TenantName),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
        }),
        response: answers(200, TenantsBody),
      },
    },
    async ({ query: { after = "", limit = DEFAULT_LIMIT } }) => {
      const names = [...settings.tenants.keys()].filter((name) => name > after).sort();
      const tenants = names.slice(0, limit).map((tenant) => {
        const { admitted, quotas } = settings.tenant(tenant);
        return {
          tenant,
          state: admitted ? ("active" as const) : ("suspended" as const),
          quotas: given(quotas),
        };
      });
      return { tenants, more: names.length > limit };
    },
  );
}

function given(quotas: Quotas): Record<string, number> {
  return Object.fromEntries(Object.entries(quotas).filter(([, value]) => value !== undefined));
}
