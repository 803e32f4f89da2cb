/** What may stand in the settings of the installation and of a tenant; unknown fields are errors. */
import { isPattern } from "@plexus/protocol";
import { z } from "zod";
import { isPublicJwk } from "./public-jwk.js";

/** Bounds: a document is a few kilobytes, and everybody holds all of them. */
const MAX_NAMESPACES = 200;
const MAX_KEYS = 16;
const MAX_WEBHOOKS = 16;

const count = (most: number) => z.number().int().min(1).max(most).optional();

const namespaceName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "a namespace is 1 to 64 of A-Z a-z 0-9 _ -");
const retention = z.strictObject({
  messages: z.number().int().min(1).max(100_000_000).optional(),
  ageMs: z.number().int().min(1_000).optional(),
});
const namespace = z.strictObject({
  retention: retention.optional(),
  presence: z.boolean().optional(),
  maxMessageBytes: z.number().int().min(1).max(131_072).optional(),
  slowReader: z.enum(["close", "latest"]).optional(),
});
export type NamespaceLayer = z.infer<typeof namespace>;

const namespaces = z
  .record(namespaceName, namespace)
  .refine((given) => Object.keys(given).length <= MAX_NAMESPACES, `at most ${MAX_NAMESPACES} namespaces`)
  .optional();

/** What a tenant may use in the whole installation. */
const quotas = z.strictObject({
  /** Connections of clients, on all gateways together. */
  connections: count(10_000_000),
  channelsPerConnection: count(100_000),
  /** Messages and signals that clients and bots publish, per second. */
  messagesInPerSecond: count(10_000_000),
  /** Messages and signals that subscribers receive, per second, counted once for each of them. */
  messagesOutPerSecond: count(1_000_000_000),
  /** Largest `data` of a message, bytes of JSON, whatever the namespace allows. */
  messageBytes: count(131_072),
  /** Bytes of all that the logs of all cells keep. */
  historyBytes: count(1_000_000_000_000_000),
});
export type Quotas = z.infer<typeof quotas>;

const url = z.url({ protocol: /^https?$/, error: "must be an http or https address" }).max(2_000);
const secret = z.string().min(32, "at least 32 characters").max(1_000);

const jwk = z
  .record(z.string().max(40), z.unknown())
  .refine(isPublicJwk, "must be a public key for RS256 (2048 bits or more), ES256 or EdDSA (Ed25519)");

/** What a tenant's tokens are checked with. Where a tenant has keys of its own, the installation's are not asked. */
const key = z.union([
  z.strictObject({ kid: z.string().min(1).max(200).optional(), secret }),
  z.strictObject({ jwks: url }),
  z.strictObject({ jwk }),
]);
export type TenantKey = z.infer<typeof key>;

export const LIFECYCLE_KINDS = [
  "connected",
  "disconnected",
  "subscribed",
  "unsubscribed",
  "occupied",
  "vacated",
  "published",
] as const;
export type LifecycleKind = (typeof LIFECYCLE_KINDS)[number];
const kinds = z.array(z.enum(LIFECYCLE_KINDS)).min(1);

const webhook = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,40}$/, "1 to 40 of a-z 0-9 -"),
  url,
  /** What its requests are signed with. */
  secret,
  events: kinds,
  /** Channels by pattern; all where it is missing. Events of connections belong to no channel and always go. */
  channels: z.array(z.string().refine(isPattern, "must be a pattern of channels")).min(1).max(64).optional(),
});
export type Webhook = z.infer<typeof webhook>;

/** The installation's document, and the settings file. */
export const installationDocument = z.strictObject({
  defaults: namespace.optional(),
  namespaces,
  /** Of each tenant that has none of its own. */
  quotas: quotas.optional(),
  /** Whether tenants that nothing is put down about may use the installation. */
  unlistedTenants: z.enum(["allow", "refuse"]).optional(),
});

export const tenantDocument = z.strictObject({
  defaults: namespace.optional(),
  namespaces,
  quotas: quotas.optional(),
  keys: z.array(key).min(1).max(MAX_KEYS).optional(),
  /** Its tokens are refused and its connections closed. */
  suspended: z.boolean().optional(),
  /** Events that are put into the stream of lifecycle events for whoever follows it. */
  events: kinds.optional(),
  webhooks: z
    .array(webhook)
    .max(MAX_WEBHOOKS)
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, "ids of webhooks must differ")
    .optional(),
});
export type TenantDocument = z.infer<typeof tenantDocument>;
export type InstallationDocument = z.infer<typeof installationDocument>;
