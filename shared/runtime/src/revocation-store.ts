import type { KV, KvEntry } from "@nats-io/kv";
import { PlexusError } from "@plexus/protocol";
import { Gauge } from "prom-client";
import { z } from "zod";
import { BucketKeys } from "./bucket-keys.js";
import { type HubOptions, hubBucket } from "./hub-bucket.js";
import { readBucket, watchBucket } from "./kv-watch.js";
import type { Logger } from "./log.js";
import type { NatsConnection } from "./nats.js";
import { MAX_REVOCATION_MS, type Revocation, RevocationList, revocationKey } from "./revocation-list.js";

const BUCKET = "revocations";
const EXPIRE_INTERVAL_MS = 60_000;

const stored = z.union([
  z.object({ tenant: z.string(), user: z.string(), before: z.number(), until: z.number() }),
  z.object({ tenant: z.string().nullable(), jti: z.string(), until: z.number() }),
]);

const revocations = new Gauge({ name: "plexus_revocations", help: "Revocations of tokens in force" });

/**
 * The shared list of revoked tokens: a NATS KV bucket, written by the admin API and watched by every gateway. When it
 * can't be reached, what is known stays in force.
 */
export class RevocationStore {
  readonly list = new RevocationList();
  readonly #kv: KV;
  readonly #keys: BucketKeys;
  readonly #log: Logger;
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  readonly #timer: NodeJS.Timeout;
  #unwatch: () => void = () => undefined;

  private constructor(kv: KV, keys: BucketKeys, log: Logger, cleans: boolean) {
    this.#kv = kv;
    this.#keys = keys;
    this.#log = log;
    this.#timer = setInterval(() => void this.#forgetExpired(cleans), EXPIRE_INTERVAL_MS);
  }

  /**
   * Opens the bucket, makes it where it is missing, reads all of it and starts to watch it. One process of an
   * installation `cleans` the bucket of what is over; two do no harm.
   */
  static async open(
    nats: NatsConnection,
    log: Logger,
    { cleans = false, ...hub }: HubOptions & { cleans?: boolean } = {},
  ): Promise<RevocationStore> {
    const kv = await hubBucket(nats, log, { name: BUCKET, history: 1, ttl: MAX_REVOCATION_MS }, hub);
    const keys = new BucketKeys(nats, BUCKET, hub.hubDomain);
    const store = new RevocationStore(kv, keys, log, cleans);
    const take = (entry: KvEntry) => store.#entryCame(entry);
    await readBucket(kv, take);
    store.#unwatch = watchBucket({ nats, kv, what: "revocations", log, take });
    return store;
  }

  /** Calls `listener` for each revocation that comes into force; returns the function that ends it. */
  onRevoked(listener: (revocation: Revocation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves once the revocation is stored; rejects with `limit_reached` while the list is full. */
  async add(revocation: Revocation): Promise<void> {
    if (!this.list.hasRoomFor(revocation))
      throw new PlexusError(
        "limit_reached",
        "too many revocations are in force; give them a shorter lifetime",
      );
    // A later revocation of the same may only make it last longer.
    const until = Math.max(revocation.until, this.list.get(revocation)?.until ?? 0);
    const entry = { ...revocation, until };
    await this.#kv.put(revocationKey(entry), JSON.stringify(entry));
    this.list.put(entry);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#unwatch();
  }

  async #forgetExpired(cleans: boolean): Promise<void> {
    const over = this.list.expire(Date.now());
    revocations.set(this.list.size);
    if (!cleans || over.length === 0) return;
    try {
      for (const revocation of over) await this.#remove(revocationKey(revocation));
    } catch (error) {
      // They are harmless, and go with the next process that reads them, or by the bucket's own limit.
      this.#log.warn({ err: error }, "revocations: what is over could not be removed");
    }
  }

  /** Somebody may have revoked the same anew since it was over here. */
  async #remove(key: string): Promise<void> {
    const entry = await this.#kv.get(key);
    if (entry === null) return;
    const result = stored.safeParse(entry.operation === "PUT" ? entry.json() : null);
    if (result.success && result.data.until > Date.now()) return;
    await this.#keys.remove(key, entry.revision);
  }

  #entryCame(entry: KvEntry): void {
    if (entry.operation !== "PUT") return;
    const result = stored.safeParse(entry.json());
    if (!result.success) return this.#log.error({ err: result.error }, "revocations: malformed entry");
    if (!this.list.put(result.data))
      return this.#log.error("revocations: the list is full, one is not in force");
    revocations.set(this.list.size);
    if (result.data.until > Date.now()) for (const listener of this.#listeners) listener(result.data);
  }
}
