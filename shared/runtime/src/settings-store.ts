import { type KV, Kvm } from "@nats-io/kv";
import { isTenant, PlexusError } from "@plexus/protocol";
import { ConfigError } from "./config.js";
import { hubJetStream } from "./hub.js";
import type { Logger } from "./log.js";
import type { NatsConnection } from "./nats.js";
import { parsed, Settings } from "./settings.js";
import { installationDocument, tenantDocument } from "./settings-schema.js";

const BUCKET = "plexus-settings";
const INSTALLATION = "installation";
const TENANT = "tenant.";
const RETRY_WAIT_MS = 500;
/** Everybody holds all of them. */
const MAX_TENANTS = 100_000;

/** A document as it is stored, and its revision: what a change says that it was made from. */
export interface Stored {
  readonly value: unknown;
  readonly revision: number;
}

/**
 * The installation's and the tenants' settings: a NATS KV bucket on the hub, written by the admin API and watched by
 * everybody. When it can't be reached, what is known stays in force.
 */
export class SettingsStore {
  readonly settings: Settings;
  readonly #kv: KV;
  readonly #log: Logger;
  #stopped = false;
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
    options: { file?: string | undefined; domain?: string | undefined } = {},
  ): Promise<SettingsStore> {
    const settings = Settings.fromFile(options.file);
    const kv = await new Kvm(hubJetStream(nats, options.domain)).create(BUCKET, { history: 1 });
    const store = new SettingsStore(kv, settings, log);
    for await (const entry of await kv.history())
      if (entry.operation === "PUT") store.#take(entry.key, entry.string());
    void store.#watch();
    return store;
  }

  async installation(): Promise<Stored | null> {
    return this.#get(INSTALLATION);
  }

  async tenant(name: string): Promise<Stored | null> {
    return this.#get(TENANT + name);
  }

  /**
   * Puts the installation's document. Rejects with `bad_request` naming the field that is wrong, and with `conflict`
   * where `revision` is given and somebody else was faster. Resolves to the new revision.
   */
  putInstallation(value: unknown, revision?: number): Promise<number> {
    return this.#put(
      INSTALLATION,
      checked(() => parsed(installationDocument, value, INSTALLATION)),
      revision,
    );
  }

  /** The same for a tenant's document. */
  putTenant(name: string, value: unknown, revision?: number): Promise<number> {
    if (!isTenant(name)) throw new PlexusError("bad_request", `"${name}" is not a tenant's name`);
    if (!this.settings.tenants.has(name) && this.settings.tenants.size >= MAX_TENANTS)
      throw new PlexusError("limit_reached", `there may be ${MAX_TENANTS} tenants`);
    return this.#put(
      TENANT + name,
      checked(() => parsed(tenantDocument, value, `tenant ${name}`)),
      revision,
    );
  }

  /** Forgets what is put down about a tenant. */
  async removeTenant(name: string): Promise<void> {
    await this.#kv.delete(TENANT + name);
    this.settings.putTenant(name, null);
  }

  stop(): void {
    this.#stopped = true;
    this.#unwatch();
  }

  async #get(key: string): Promise<Stored | null> {
    const entry = await this.#kv.get(key);
    if (entry === null || entry.operation !== "PUT") return null;
    return { value: JSON.parse(entry.string()), revision: entry.revision };
  }

  async #put(key: string, value: unknown, revision: number | undefined): Promise<number> {
    const text = JSON.stringify(value);
    const stored = await this.#kv
      .put(key, text, revision === undefined ? {} : { previousSeq: revision })
      .catch((cause: unknown) => {
        if (!String(cause).includes("wrong last sequence")) throw cause;
        throw new PlexusError("conflict", "somebody has changed it in the meantime: read it again", {
          cause,
        });
      });
    this.#take(key, text);
    return stored;
  }

  #take(key: string, text: string | null): void {
    try {
      const value: unknown = text === null ? null : JSON.parse(text);
      if (key === INSTALLATION) this.settings.putInstallation(value ?? {});
      else if (key.startsWith(TENANT)) this.settings.putTenant(key.slice(TENANT.length), value);
    } catch (error) {
      // Whoever wrote it knew fields that this process does not: what was in force before stays.
      this.#log.error({ err: error, key }, "settings: malformed entry");
    }
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      try {
        const watch = await this.#kv.watch();
        this.#unwatch = () => watch.stop();
        for await (const entry of watch)
          this.#take(entry.key, entry.operation === "PUT" ? entry.string() : null);
      } catch (error) {
        this.#log.warn({ err: error }, "settings: watch ended, trying again");
      }
      if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, RETRY_WAIT_MS));
    }
  }
}

function checked<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new PlexusError("bad_request", cause.message, { cause });
  }
}
