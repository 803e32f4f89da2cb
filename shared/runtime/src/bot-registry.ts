import type { KV, KvEntry } from "@nats-io/kv";
import { type Action, isBot, isTenant, PlexusError } from "@plexus/protocol";
import { z } from "zod";
import { type HubOptions, hubBucket } from "./hub-bucket.js";
import { readBucket, watchBucket } from "./kv-watch.js";
import type { Logger } from "./log.js";
import type { NatsConnection } from "./nats.js";

const BUCKET = "plexus-bots";
/** The broker holds the permissions of all of them. */
const MAX_BOTS = 10_000;

const stored = z.object({
  tenant: z.string().refine(isTenant),
  name: z.string().refine(isBot),
  publicKey: z.string().regex(/^U[A-Z2-7]{55}$/),
  caps: z.record(z.string(), z.array(z.string())).transform((caps) => caps as Record<string, Action[]>),
  createdAt: z.number(),
});

/** A bot that may log in to the bus, and what it may do there. Nothing of it is secret. */
export type RegisteredBot = z.infer<typeof stored>;

/**
 * The bots that have credentials: a NATS KV bucket on the hub, written by the admin API and watched by whoever
 * configures the broker. When it can't be reached, what is known stays.
 */
export class BotRegistry {
  readonly #kv: KV;
  readonly #log: Logger;
  readonly #bots = new Map<string, RegisteredBot>();
  readonly #listeners = new Set<() => void>();
  #unwatch: () => void = () => undefined;

  private constructor(kv: KV, log: Logger) {
    this.#kv = kv;
    this.#log = log;
  }

  /** Opens the bucket, makes it where it is missing, reads all of it and starts to watch it. */
  static async open(nats: NatsConnection, log: Logger, hub: HubOptions = {}): Promise<BotRegistry> {
    const kv = await hubBucket(nats, log, { name: BUCKET, history: 1 }, hub);
    const registry = new BotRegistry(kv, log);
    await readBucket(kv, (entry) => registry.#take(entry));
    const take = (entry: KvEntry) => {
      registry.#take(entry);
      registry.#tell();
    };
    registry.#unwatch = watchBucket({ nats, kv, what: "bots", log, take });
    return registry;
  }

  /** By tenant, then by name. */
  get bots(): RegisteredBot[] {
    return [...this.#bots.keys()].sort().map((key) => this.#bots.get(key)!);
  }

  /** Calls `listener` after each change; returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Rejects with `conflict` where there is one of that name, and with `limit_reached` where there are too many. */
  async add(bot: RegisteredBot): Promise<void> {
    if (this.#bots.size >= MAX_BOTS) throw new PlexusError("limit_reached", `there may be ${MAX_BOTS} bots`);
    await this.#kv.create(keyOf(bot), JSON.stringify(bot)).catch((cause: unknown) => {
      if (!String(cause).includes("wrong last sequence")) throw cause;
      throw new PlexusError("conflict", `there is a bot "${bot.name}" already: revoke it first`, { cause });
    });
    this.#bots.set(keyOf(bot), bot);
    this.#tell();
  }

  /** Rejects with `not_found` where there is none. */
  async remove(tenant: string, name: string): Promise<RegisteredBot> {
    const bot = this.#bots.get(keyOf({ tenant, name }));
    if (bot === undefined) throw new PlexusError("not_found", `there is no bot "${name}"`);
    await this.#kv.delete(keyOf(bot));
    this.#bots.delete(keyOf(bot));
    this.#tell();
    return bot;
  }

  stop(): void {
    this.#unwatch();
  }

  #take(entry: KvEntry): void {
    const { key } = entry;
    if (entry.operation !== "PUT") {
      this.#bots.delete(key);
      return;
    }
    const result = stored.safeParse(entry.json());
    if (result.success) this.#bots.set(key, result.data);
    else this.#log.error({ err: result.error, key }, "bots: malformed entry");
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function keyOf({ tenant, name }: { tenant: string; name: string }): string {
  return `${tenant}.${name}`;
}
