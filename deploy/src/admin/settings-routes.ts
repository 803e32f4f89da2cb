/** Settings that can be changed while everything runs: the installation's document, and those of tenants. */
import { isPlain, MAX_DATA_DEPTH, PlexusError } from "@plexus/protocol";
import type { Change, SettingsStore, Stored } from "@plexus/runtime";
import type { FastifyReply } from "fastify";
import { type TSchema, Type } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import { mergePatch } from "./merge-patch.js";
import { answers, TenantName } from "./schemas.js";
import { Document, RevisionQuery, SettingsBody } from "./settings-schemas.js";
import { withoutSecrets, withSecretsOf } from "./settings-secrets.js";

/** One document, whosever it is. */
interface StoredDocument {
  read(): Promise<Stored>;
  check(value: unknown): Record<string, unknown>;
  change(change: Change, revision: number | undefined): Promise<Stored>;
}

interface Kind {
  readonly path: string;
  readonly whose: string;
  readonly action: string;
  readonly params: TSchema;
  readonly tags: string[];
  of(params: { tenant?: string }): StoredDocument;
}

export function settingsRoutes(server: AdminServer, { settings }: AdminContext): void {
  const kinds: Kind[] = [
    {
      path: "/v1/settings",
      whose: "the installation's settings",
      action: "settings",
      params: Type.Object({}),
      tags: ["settings"],
      of: () => installationOf(settings),
    },
    {
      path: "/v1/tenants/:tenant/settings",
      whose: "a tenant's settings",
      action: "tenant.settings",
      params: Type.Object({ tenant: TenantName }),
      tags: ["tenants"],
      of: ({ tenant }) => tenantOf(settings, tenant!),
    },
  ];
  for (const kind of kinds) {
    readRoute(server, kind);
    changeRoute(server, kind, "put");
    changeRoute(server, kind, "patch");
    checkRoute(server, kind);
  }
  removeRoute(server, settings);
}

function installationOf(store: SettingsStore): StoredDocument {
  return {
    read: () => store.installation(),
    check: (value) => store.checkInstallation(value),
    change: (change, revision) => store.changeInstallation(change, revision),
  };
}

function tenantOf(store: SettingsStore, tenant: string): StoredDocument {
  return {
    read: () => store.tenant(tenant),
    check: (value) => store.checkTenant(tenant, value),
    change: (change, revision) => store.changeTenant(tenant, change, revision),
  };
}

function readRoute(server: AdminServer, { path, whose, params, tags, of }: Kind): void {
  server.get(
    path,
    {
      schema: {
        tags,
        summary: `Shows ${whose}, without secrets`,
        params,
        response: answers(200, SettingsBody),
      },
    },
    async ({ params }, reply) => {
      const stored = await of(params as object).read();
      if (stored.value === undefined && path.includes(":tenant"))
        throw new PlexusError("not_found", "nothing is put down about this tenant");
      return shown(stored, reply);
    },
  );
}

const KEEPS =
  "In force everywhere within a second; what is wrong is refused as a whole, with the field's name. A secret that is given as it is shown stays what it is.";

/** What becomes of the stored document by what was sent. */
const CHANGES = {
  put: {
    method: "PUT",
    summary: (whose: string) => `Puts ${whose}, the whole of them`,
    audited: {},
    merged: (_stored: Stored["value"], sent: Sent) => sent,
  },
  patch: {
    method: "PATCH",
    summary: (whose: string) => `Changes some of ${whose}: a JSON merge patch (RFC 7396)`,
    audited: { fields: ["suspended"] },
    merged: (stored: Stored["value"], sent: Sent) => mergePatch(stored, sent),
  },
} as const;

type Sent = ReturnType<typeof bounded>;

function changeRoute(server: AdminServer, kind: Kind, change: keyof typeof CHANGES): void {
  const { path, whose, action, params, tags, of } = kind;
  const { method, summary, audited, merged } = CHANGES[change];
  server.route({
    method,
    url: path,
    config: { audit: { action: `${action}.${change}`, ...audited, names: true } },
    schema: {
      tags,
      summary: summary(whose),
      description: KEEPS,
      params,
      querystring: RevisionQuery,
      body: Document,
      response: answers(200, SettingsBody),
    },
    handler: async (request, reply) => {
      const sent = bounded(request.body);
      const revision = revisionOf(request.query.revision, request.headers["if-match"]);
      const changed = (stored: Stored["value"]) => withSecretsOf(stored, merged(stored, sent));
      return shown(await of(request.params as object).change(changed, revision), reply);
    },
  });
}

function checkRoute(server: AdminServer, { path, whose, action, params, tags, of }: Kind): void {
  server.post(
    `${path}/check`,
    {
      config: { audit: { action: `${action}.check`, names: true } },
      schema: {
        tags,
        summary: `Says whether ${whose} could be put like this, and changes nothing`,
        params,
        body: Document,
        response: answers(200, SettingsBody),
      },
    },
    async ({ params, body }) => {
      const document = of(params as object);
      const { value, revision } = await document.read();
      return { revision, settings: withoutSecrets(document.check(withSecretsOf(value, bounded(body)))) };
    },
  );
}

function removeRoute(server: AdminServer, store: SettingsStore): void {
  server.delete(
    "/v1/tenants/:tenant/settings",
    {
      config: { audit: { action: "tenant.settings.remove" } },
      schema: {
        tags: ["tenants"],
        summary: "Forgets what is put down about a tenant; its channels and their messages stay",
        params: Type.Object({ tenant: TenantName }),
        querystring: RevisionQuery,
        response: answers(200, SettingsBody),
      },
    },
    async ({ params: { tenant }, query, headers }) => {
      await store.removeTenant(tenant, revisionOf(query.revision, headers["if-match"]));
      return { revision: 0, settings: {} };
    },
  );
}

function shown({ value = {}, revision }: Stored, reply: FastifyReply): SettingsBody {
  reply.header("etag", `"${revision}"`);
  return { revision, settings: withoutSecrets(value) };
}

/** Nothing that walks through it may be made to overflow. */
function bounded<T>(document: T): T {
  if (isPlain(document, MAX_DATA_DEPTH)) return document;
  throw new PlexusError("bad_request", `settings may be nested ${MAX_DATA_DEPTH} deep at most`);
}

/** Which revision a change was made from, where that is said; as a query or as an entity tag. */
export function revisionOf(query: number | undefined, ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined) return query;
  const [, digits] = /^"?(\d{1,15})"?$/.exec(ifMatch.trim()) ?? [];
  if (digits === undefined) throw new PlexusError("bad_request", 'If-Match must be a revision, as in "7"');
  if (query !== undefined && query !== Number(digits))
    throw new PlexusError("bad_request", "revision and If-Match contradict each other");
  return Number(digits);
}
