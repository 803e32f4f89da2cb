import type { KV, KvEntry } from "@nats-io/kv";
import { isTenant, PlexusError } from "@plexus/protocol";
import type { z } from "zod";
import { ConfigError } from "./config.js";
import { type HubOptions, hubBucket } from "./hub-bucket.js";
import { readBucket, watchBucket } from "./kv-watch.js";
import type { Logger } from "./log.js";
import type { NatsConnection } from "./nats.js";
import { parsed, Settings } from "./settings.js";
import { installationDocument, tenantDocument } from "./settings-schema.js";

const BUCKET = "plexus-settings";
const INSTALLATION = "installation";
const TENANT = "tenant.";
/** Everybody holds all of them. */
const MAX_TENANTS = 100_000;

/** Everybody holds all of them, so none may be much larger than what people write by hand. */
const MAX_DOCUMENT_BYTES = 65_536;
/** Tries of a change that others were faster than; so many changes of one document at once are no people's work. */
const MAX_TRIES = 20;

/** A document as it is stored, and its revision: what a change says that it was made from. */
export interface Stored {
  /** Undefined where nothing is put down. */
  readonly value: Record<string, unknown> | undefined;
  /** 0 where nothing is put down. */
  readonly revision: number;
}

/** From the document that is stored to the one that shall be. */
export type Change = (stored: Stored["value"]) => unknown;

/**
 * The installation's and the tenants' settings: a NATS KV bucket on the hub, written by the admin API and watched by
 * everybody. When it can't be reached, what is known stays in force.
 */
export class SettingsStore {
  readonly settings: Settings;
  readonly #kv: KV;
  readonly #log: Logger;
  /** The revision of each document in force: the watch may still be behind what this process has put. */
  readonly #taken = new Map<string, number>();
  #unwatch: () => void = () => undefined;

  private constructor(kv: KV, settings: Settings, log: Logger) {
    this.#kv = kv;
    this.settings = settings;
    this.#log = log;
  }

  /** Opens the bucket, makes it where it is missing, reads all of it and starts to watch it. */
  static async open(
    nats: NatsConnection,
    log: Logger,
    options: HubOptions & { settingsFile?: string | undefined } = {},
  ): Promise<SettingsStore> {
    const settings = Settings.fromFile(options.settingsFile);
    const kv = await hubBucket(nats, log, { name: BUCKET, history: 1 }, options);
    const store = new SettingsStore(kv, settings, log);
    await readBucket(kv, (entry) => {
      if (entry.operation === "PUT") store.#take(entry.key, entry.string(), entry.revision);
    });
    const take = (entry: KvEntry) => store.#entryCame(entry);
    store.#unwatch = watchBucket({ nats, kv, what: "settings", log, take });
    return store;
  }

  installation(): Promise<Stored> {
    return this.#get(INSTALLATION);
  }

  tenant(name: string): Promise<Stored> {
    return this.#get(keyOf(name));
  }

  /** The document that would be stored. Throws `bad_request` naming the field that is wrong, and `too_large`. */
  checkInstallation(value: unknown): Record<string, unknown> {
    return checked(installationDocument, value, INSTALLATION);
  }

  /** The same for a tenant's. */
  checkTenant(name: string, value: unknown): Record<string, unknown> {
    return checked(tenantDocument, value, `tenant ${name}`);
  }

  /**
   * Changes the installation's document. Rejects with `bad_request` naming the field that is wrong, and with
   * `conflict` where `revision` is given and somebody else was faster; without one the change is made again, from
   * what they have put.
   */
  changeInstallation(change: Change, revision?: number): Promise<Stored> {
    return this.#change(INSTALLATION, (stored) => this.checkInstallation(change(stored)), revision);
  }

  /** The same for a tenant's document. */
  changeTenant(name: string, change: Change, revision?: number): Promise<Stored> {
    const key = keyOf(name);
    if (!this.settings.tenants.has(name) && this.settings.tenants.size >= MAX_TENANTS)
      throw new PlexusError("limit_reached", `there may be ${MAX_TENANTS} tenants`);
    return this.#change(key, (stored) => this.checkTenant(name, change(stored)), revision);
  }

  /** Puts the installation's document in place of the one that is stored. Resolves to its revision. */
  async putInstallation(value: unknown, revision?: number): Promise<number> {
    return (await this.changeInstallation(() => value, revision)).revision;
  }

  /** The same for a tenant's document. */
  async putTenant(name: string, value: unknown, revision?: number): Promise<number> {
    return (await this.changeTenant(name, () => value, revision)).revision;
  }

  /** Forgets what is put down about a tenant. Rejects with `not_found` where that is nothing. */
  async removeTenant(name: string, revision?: number): Promise<void> {
    const key = keyOf(name);
    const entry = await this.#kv.get(key);
    const stored = storedOf(entry);
    if (stored.value === undefined)
      throw new PlexusError("not_found", `nothing is put down about tenant ${name}`);
    mustBe(stored, revision);
    // Without a revision it goes, whatever somebody else has put in the meantime.
    await this.#kv
      .delete(key, revision === undefined ? {} : { previousSeq: revision })
      .catch((cause: unknown) => {
        throw isStale(cause) ? stale(cause) : cause;
      });
    this.#take(key, null, stored.revision + 1);
  }

  stop(): void {
    this.#unwatch();
  }

  async #get(key: string): Promise<Stored> {
    return storedOf(await this.#kv.get(key));
  }

  async #change(
    key: string,
    change: (stored: Stored["value"]) => Record<string, unknown>,
    revision: number | undefined,
  ): Promise<Stored> {
    for (let tries = 1; ; tries++) {
      const entry = await this.#kv.get(key);
      const stored = storedOf(entry);
      mustBe(stored, revision);
      const value = change(stored.value);
      const text = JSON.stringify(value);
      try {
        // A document that was removed has left an entry, and with it a sequence.
        const put = await this.#kv.put(key, text, { previousSeq: entry?.revision ?? 0 });
        this.#take(key, text, put);
        return { value, revision: put };
      } catch (cause) {
        if (!isStale(cause)) throw cause;
        if (revision !== undefined || tries >= MAX_TRIES) throw stale(cause);
      }
    }
  }

  /** Takes what is stored under a key, or null for nothing, unless something newer was taken already. */
  #take(key: string, text: string | null, revision: number): void {
    if (revision < (this.#taken.get(key) ?? 0)) return;
    this.#taken.set(key, revision);
    try {
      const value: unknown = text === null ? null : JSON.parse(text);
      if (key === INSTALLATION) this.settings.putInstallation(value ?? {});
      else if (key.startsWith(TENANT)) this.settings.putTenant(key.slice(TENANT.length), value);
    } catch (error) {
      // Whoever wrote it knew fields that this process does not: what was in force before stays.
      this.#log.error({ err: error, key }, "settings: malformed entry");
    }
  }

  #entryCame(entry: KvEntry): void {
    const isPut = entry.operation === "PUT";
    this.#take(entry.key, isPut ? entry.string() : null, entry.revision);
    if (!isPut) this.#taken.delete(entry.key);
  }
}

function keyOf(tenant: string): string {
  if (!isTenant(tenant)) throw new PlexusError("bad_request", `"${tenant}" is not a tenant's name`);
  return TENANT + tenant;
}

function storedOf(entry: KvEntry | null): Stored {
  if (entry === null || entry.operation !== "PUT") return { value: undefined, revision: 0 };
  return { value: JSON.parse(entry.string()), revision: entry.revision };
}

function mustBe(stored: Stored, revision: number | undefined): void {
  if (revision !== undefined && revision !== stored.revision) throw stale();
}

function isStale(cause: unknown): boolean {
  return String(cause).includes("wrong last sequence");
}

function stale(cause?: unknown): PlexusError {
  return new PlexusError("conflict", "somebody has changed it in the meantime: read it again", { cause });
}

function checked(schema: z.ZodType<object>, value: unknown, what: string): Record<string, unknown> {
  const document = parse(schema, value, what);
  if (Buffer.byteLength(JSON.stringify(document)) > MAX_DOCUMENT_BYTES)
    throw new PlexusError("too_large", `${what}: a document may have ${MAX_DOCUMENT_BYTES} bytes of JSON`);
  return document as Record<string, unknown>;
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  try {
    return parsed(schema, value, what);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    // Without the cause: it would say no more, and is no defect that a log should tell of.
    throw new PlexusError("bad_request", cause.message);
  }
}
