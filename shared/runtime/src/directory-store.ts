import { setTimeout as pause } from "node:timers/promises";
import type { KV, KvEntry } from "@nats-io/kv";
import { z } from "zod";
import { type Directory, EMPTY_DIRECTORY } from "./directory.js";
import { type HubOptions, hubBucket } from "./hub-bucket.js";
import { watchBucket } from "./kv-watch.js";
import type { Logger } from "./log.js";
import type { NatsConnection } from "./nats.js";
import { backoffMs } from "./retry.js";

const BUCKET = "plexus";
const KEY = "directory";
const HISTORY = 16;
/** Somebody else changed it first, so often in a row: something is wrong. */
const MAX_ATTEMPTS = 20;
const FIRST_WAIT_MS = 5;
const MAX_WAIT_MS = 250;
/** Where the bucket does not answer, so many attempts would take minutes. */
const CHANGE_DEADLINE_MS = 10_000;

const cells = z.array(
  z.object({
    id: z.string(),
    region: z.string(),
    state: z.enum(["joining", "active", "draining", "drained", "down"]),
    weight: z.number().positive(),
  }),
);
const tenants = z.record(z.string(), z.object({ region: z.string(), failover: z.boolean() })).optional();
const stored = z.object({
  version: z.number().int(),
  cells,
  tenants,
  previous: z.array(z.object({ cells, tenants })).optional(),
  operation: z.string().nullable().optional(),
});

/**
 * The shared copy of the directory: a key of a NATS KV bucket, watched by everybody and changed by
 * compare-and-set. When it can't be reached, `current` stays what it was.
 */
export class DirectoryStore {
  #current: Directory = EMPTY_DIRECTORY;
  readonly #listeners = new Set<(directory: Directory) => void>();
  readonly #kv: KV;
  readonly #log: Logger;
  #unwatch: () => void = () => undefined;

  private constructor(kv: KV, log: Logger) {
    this.#kv = kv;
    this.#log = log;
  }

  /** Opens the bucket, makes it where it is missing, reads the directory and starts to watch it. */
  static async open(nats: NatsConnection, log: Logger, hub: HubOptions = {}): Promise<DirectoryStore> {
    const kv = await hubBucket(nats, log, { name: BUCKET, history: HISTORY }, hub);
    const store = new DirectoryStore(kv, log);
    const entry = await kv.get(KEY);
    if (entry !== null) store.#entryCame(entry);
    const take = (entry: KvEntry) => store.#entryCame(entry);
    store.#unwatch = watchBucket({ nats, kv, what: "directory", log, take, key: KEY });
    return store;
  }

  get current(): Directory {
    return this.#current;
  }

  /** Calls `listener` after every change; returns the function that ends it. */
  onChange(listener: (directory: Directory) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Applies `change` to the newest directory until nobody else interferes. A change that returns its
   * argument writes nothing.
   */
  async change(change: (directory: Directory) => Directory): Promise<Directory> {
    const deadlineAt = performance.now() + CHANGE_DEADLINE_MS;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && performance.now() < deadlineAt; attempt++) {
      const entry = await this.#kv.get(KEY);
      const before: Directory = entry === null ? EMPTY_DIRECTORY : stored.parse(JSON.parse(entry.string()));
      const after = change(before);
      if (after === before) return before;
      try {
        await this.#kv.put(KEY, JSON.stringify(after), { previousSeq: entry?.revision ?? 0 });
        return after;
      } catch (error) {
        this.#log.debug({ err: error, attempt }, "directory: somebody else changed it first");
        await pause(backoffMs(attempt, FIRST_WAIT_MS, MAX_WAIT_MS));
      }
    }
    throw new Error("the directory could not be changed");
  }

  /** Reads the directory now, rather than waiting for the watch. */
  async refresh(): Promise<Directory> {
    const entry = await this.#kv.get(KEY);
    if (entry !== null) this.#entryCame(entry);
    return this.#current;
  }

  stop(): void {
    this.#unwatch();
  }

  #entryCame(entry: KvEntry): void {
    if (entry.operation !== "PUT") return;
    const result = stored.safeParse(entry.json());
    if (!result.success)
      return this.#log.error({ err: result.error }, "directory: malformed, kept the last one");
    if (result.data.version <= this.#current.version) return;
    this.#current = result.data;
    this.#log.info({ directory: this.#current }, "directory changed");
    for (const listener of this.#listeners) listener(this.#current);
  }
}
