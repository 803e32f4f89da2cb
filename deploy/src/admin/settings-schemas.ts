/** What the admin API takes and gives of settings. What may stand in a document is said by the runtime's schemas. */
import { type Static, Type } from "typebox";
import { list, named, QuotasBody } from "./schemas.js";

/** Checked by the store, which names the field that is wrong by its whole path. */
export const Document = Type.Unsafe<Record<string, unknown>>(
  Type.Object({}, { additionalProperties: true, description: "a document as docs/configuration.md says" }),
);

export const SettingsBody = named(
  "Settings",
  Type.Object({
    revision: Type.Integer({
      description: "what a change says that it was made from; 0 where there is nothing",
    }),
    settings: Document,
  }),
);
export type SettingsBody = Static<typeof SettingsBody>;

export const TenantsBody = named(
  "Tenants",
  Type.Object({
    tenants: Type.Array(
      Type.Object({ tenant: Type.String(), state: list(["active", "suspended"]), quotas: QuotasBody }),
    ),
    more: Type.Boolean({ description: "whether there are more behind the last one" }),
  }),
);

export const RevisionQuery = Type.Object({
  revision: Type.Optional(
    Type.Integer({ minimum: 0, description: "the revision that the change was made from; or send If-Match" }),
  ),
});

export const SETTINGS_NAMED = [SettingsBody, TenantsBody];
