/**
 * Settings that can be changed while everything runs: what namespaces keep and allow, and what a tenant may use. Four
 * layers, each over the one before: what is built in, the settings file, the installation's, the tenant's own.
 *
 * Pure: {@link SettingsStore} brings the installation's and the tenants' layers from the bus.
 */
import { readFileSync } from "node:fs";
import { namespaceOf } from "@plexus/protocol";
import type { z } from "zod";
import { ConfigError } from "./config.js";
import {
  type InstallationDocument,
  installationDocument,
  type NamespaceLayer,
  type Quotas,
  type TenantDocument,
  tenantDocument,
} from "./settings-schema.js";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Answers remembered; beyond it the memory starts anew. */
const MAX_REMEMBERED = 20_000;

export interface NamespaceSettings {
  /** What the log keeps, whichever comes first; the last record always stays. */
  readonly retention: { readonly messages: number; readonly ageMs: number };
  /** Whether channels have members. */
  readonly presence: boolean;
  /** Largest `data` of a message, bytes of JSON. */
  readonly maxMessageBytes: number;
  /** What becomes of a subscriber that can't keep up: closed, to resume; or it gets the latest record only. */
  readonly slowReader: "close" | "latest";
}

/** What is said of one tenant, and of the installation where the tenant's document says nothing. */
export interface TenantSettings extends Omit<TenantDocument, "quotas" | "defaults" | "namespaces"> {
  /** Whether somebody has put down anything about this tenant. */
  readonly listed: boolean;
  /** Whether it may use the installation at all. */
  readonly admitted: boolean;
  /** What is not given has no quota. */
  readonly quotas: Quotas;
}

const BUILT_IN: NamespaceSettings = {
  retention: { messages: 100_000, ageMs: 30 * DAY_MS },
  presence: true,
  maxMessageBytes: 32_768,
  slowReader: "close",
};

type Layer = {
  defaults?: NamespaceLayer | undefined;
  namespaces?: Record<string, NamespaceLayer> | undefined;
};

export class Settings {
  readonly #file: InstallationDocument;
  #installation: InstallationDocument = {};
  readonly #tenants = new Map<string, TenantDocument>();
  /** By tenant and namespace: asked for each message, so without making a key of the two. */
  readonly #namespaces = new Map<string, Map<string, NamespaceSettings>>();
  #remembered = 0;
  readonly #resolved = new Map<string, TenantSettings>();
  readonly #listeners = new Set<(tenant: string | null) => void>();

  /** Throws {@link ConfigError} naming the first field that is wrong; unknown fields are errors. */
  constructor(file: unknown = {}) {
    this.#file = parsed(installationDocument, file, "settings");
  }

  static fromFile(path: string | undefined): Settings {
    return path === undefined ? new Settings() : new Settings(JSON.parse(readFileSync(path, "utf8")));
  }

  /** Of a channel, by its namespace. */
  of(tenant: string, channel: string): NamespaceSettings {
    const namespace = namespaceOf(channel);
    const known = this.#namespaces.get(tenant)?.get(namespace);
    if (known !== undefined) return known;
    let settings = BUILT_IN;
    for (const layer of [this.#file, this.#installation, this.#tenants.get(tenant)])
      settings = over(settings, layer, namespace);
    this.#remember(tenant, namespace, settings);
    return settings;
  }

  /** Of a tenant, whoever it is. */
  tenant(name: string): TenantSettings {
    const known = this.#resolved.get(name);
    if (known !== undefined) return known;
    const own = this.#tenants.get(name);
    const { quotas, defaults: _, namespaces: __, ...rest } = own ?? {};
    const open = this.#installation.unlistedTenants ?? this.#file.unlistedTenants ?? "allow";
    const settings: TenantSettings = {
      ...rest,
      listed: own !== undefined,
      admitted: own === undefined ? open === "allow" : own.suspended !== true,
      quotas: { ...this.#file.quotas, ...this.#installation.quotas, ...quotas },
    };
    if (this.#resolved.size >= MAX_REMEMBERED) this.#resolved.clear();
    this.#resolved.set(name, settings);
    return settings;
  }

  /** The tenants that something is put down about. */
  get tenants(): ReadonlyMap<string, TenantDocument> {
    return this.#tenants;
  }

  get installation(): InstallationDocument {
    return this.#installation;
  }

  /** Takes the installation's layer. Throws {@link ConfigError} and changes nothing where it is not right. */
  putInstallation(value: unknown): void {
    this.#installation = parsed(installationDocument, value, "installation");
    this.#changed(null);
  }

  /** Takes what is put down about a tenant; null forgets it. Throws {@link ConfigError} and changes nothing. */
  putTenant(name: string, value: unknown): void {
    if (value === null) this.#tenants.delete(name);
    else this.#tenants.set(name, parsed(tenantDocument, value, `tenant ${name}`));
    this.#changed(name);
  }

  /** Calls `listener` after each change, with the tenant or null for all; returns the function that ends it. */
  onChange(listener: (tenant: string | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #remember(tenant: string, namespace: string, settings: NamespaceSettings): void {
    if (++this.#remembered > MAX_REMEMBERED) this.#forget();
    const ofTenant = this.#namespaces.get(tenant) ?? new Map<string, NamespaceSettings>();
    this.#namespaces.set(tenant, ofTenant.set(namespace, settings));
  }

  #forget(): void {
    this.#namespaces.clear();
    this.#remembered = 0;
  }

  #changed(tenant: string | null): void {
    this.#forget();
    this.#resolved.clear();
    for (const listener of this.#listeners) listener(tenant);
  }
}

/** Throws {@link ConfigError} naming the first field that is wrong. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = plainest(result.error.issues[0]!);
  const where = path.length === 0 ? what : `${what}: ${path.join(".")}`;
  throw new ConfigError(`${where}: ${message}`);
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Where something may have several shapes: what is wrong with the one that was meant, as far as that can be told. */
function plainest(issue: z.core.$ZodIssue): Issue {
  if (issue.code !== "invalid_union") return issue;
  const meant = issue.errors.find((issues) => !issues.some(({ code }) => code === "unrecognized_keys"));
  const [inner] = meant ?? [];
  if (inner === undefined) return { path: issue.path, message: "is none of the shapes that it may have" };
  const { path, message } = plainest(inner);
  return { path: [...issue.path, ...path], message };
}

function over(base: NamespaceSettings, layer: Layer | undefined, namespace: string): NamespaceSettings {
  return given(given(base, layer?.defaults), layer?.namespaces?.[namespace]);
}

/** What is given, over what is not. */
function given(base: NamespaceSettings, layer: NamespaceLayer | undefined): NamespaceSettings {
  if (layer === undefined) return base;
  return {
    retention: {
      messages: layer.retention?.messages ?? base.retention.messages,
      ageMs: layer.retention?.ageMs ?? base.retention.ageMs,
    },
    presence: layer.presence ?? base.presence,
    maxMessageBytes: layer.maxMessageBytes ?? base.maxMessageBytes,
    slowReader: layer.slowReader ?? base.slowReader,
  };
}
