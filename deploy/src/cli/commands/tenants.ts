import type { Static } from "typebox";
import type { TenantBody } from "../../admin/schemas.js";
import type { SettingsBody, TenantsBody } from "../../admin/settings-schemas.js";
import { path, query } from "../api.js";
import { type Command, show } from "../command.js";
import { facts, table } from "../text.js";
import { change, documentLines, tenantPath } from "./settings.js";

type Tenants = Static<typeof TenantsBody>;

export const tenantList: Command = {
  name: "tenant list",
  args: [],
  options: ["limit"],
  summary: "the tenants that something is put down about, with their state and quotas",
  examples: ["plexus tenant list"],
  run: async (context) => {
    const limit = context.given.count("limit", 1);
    const found = await context.api.get<Tenants>(`/v1/tenants${query({ limit })}`);
    return show(context, found, ({ tenants, more }) => [
      ...table(
        [
          { title: "TENANT", value: ({ tenant }) => tenant },
          { title: "STATE", value: ({ state }) => state },
          { title: "QUOTAS", value: ({ quotas }) => quotaText(quotas) },
        ],
        tenants,
      ),
      ...(more ? ["… there are more: --limit"] : []),
    ]);
  },
};

export const tenantShow: Command = {
  name: "tenant show",
  args: ["tenant"],
  options: [],
  summary: "whether a tenant is admitted, what it may use, and its settings",
  examples: ["plexus tenant show acme"],
  run: async (context) => {
    const [tenant] = context.given.args as [string];
    const found = await context.api.get<Static<typeof TenantBody>>(path`/v1/tenants/${tenant}`);
    const stored = found.listed ? await context.api.get<SettingsBody>(tenantPath(tenant)) : undefined;
    return show(context, { ...found, ...stored }, () => [
      ...facts([
        ["tenant", tenant],
        ["admitted", found.admitted ? "yes" : "no"],
        ["quotas", quotaText(found.quotas)],
        ["region", found.pin?.region ?? "any"],
      ]),
      ...(stored === undefined ? ["nothing is put down about it"] : documentLines(stored)),
    ]);
  },
};

export const tenantSuspend: Command = {
  name: "tenant suspend",
  args: ["tenant"],
  options: ["revision"],
  summary: "shuts a tenant out until it is resumed; its messages stay",
  examples: ["plexus tenant suspend acme"],
  run: (context) => change(context, "PATCH", tenantPath(context.given.args[0]!), { suspended: true }),
};

export const tenantResume: Command = {
  name: "tenant resume",
  args: ["tenant"],
  options: ["revision"],
  summary: "lets a suspended tenant in again",
  examples: ["plexus tenant resume acme"],
  run: (context) => change(context, "PATCH", tenantPath(context.given.args[0]!), { suspended: null }),
};

export const tenantRemove: Command = {
  name: "tenant remove",
  args: ["tenant"],
  options: ["revision"],
  summary: "forgets what is put down about a tenant; its messages stay",
  examples: ["plexus tenant remove acme"],
  more: ["It is then as any tenant that is not listed: allowed or refused, as the installation says."],
  run: async (context) => {
    const [tenant] = context.given.args as [string];
    const revision = context.given.count("revision", 0);
    const removed = await context.api.send<SettingsBody>("DELETE", tenantPath(tenant) + query({ revision }));
    return show(context, removed, () => [`nothing is put down about ${tenant} any more`]);
  },
};

function quotaText(quotas: Readonly<Record<string, number>>): string {
  const all = Object.entries(quotas).map(([name, value]) => `${name} ${value}`);
  return all.length === 0 ? "none" : all.join(", ");
}
