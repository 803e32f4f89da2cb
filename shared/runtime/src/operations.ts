/**
 * Operations: changes of placement under way and past, kept in the directory's KV bucket so that they outlive
 * whoever asked for them. The cells that give channels away write how far they are; nobody else has to live.
 */
import type { KV } from "@nats-io/kv";
import { z } from "zod";
import { BucketKeys } from "./bucket-keys.js";
import type { Directory } from "./directory.js";
import type { DirectoryStore } from "./directory-store.js";
import { type HubOptions, hubBucket } from "./hub-bucket.js";
import type { Logger } from "./log.js";
import type { NatsConnection } from "./nats.js";
import { backoffMs } from "./retry.js";

const BUCKET = "plexus-operations";
const KEPT_MS = 30 * 24 * 60 * 60 * 1_000;
const MAX_ATTEMPTS = 20;
const FIRST_WAIT_MS = 5;
const MAX_WAIT_MS = 250;
/** Where the bucket does not answer, so many attempts would take minutes. */
const CHANGE_DEADLINE_MS = 10_000;

const KINDS = ["drain", "activate", "join", "weight", "pin", "down", "return", "gateway-drain"] as const;

export type OperationKind = (typeof KINDS)[number];

const operation = z.object({
  id: z.string(),
  kind: z.enum(KINDS),
  /** What is changed: a cell, a tenant or a gateway. */
  cell: z.string(),
  state: z.enum(["running", "done", "failed", "superseded"]),
  /** Version of the directory that the operation made. */
  version: z.number(),
  startedAt: z.number(),
  finishedAt: z.number().optional(),
  error: z.string().optional(),
  /** Per cell that gives channels away. */
  progress: z.record(
    z.string(),
    z.object({
      moved: z.number(),
      total: z.number(),
      done: z.boolean(),
      /** It failed for too long: nothing more is done until an operator has it run again. */
      parked: z.boolean().optional(),
    }),
  ),
});
export type Operation = z.infer<typeof operation>;

export class OperationStore {
  readonly #kv: KV;
  readonly #keys: BucketKeys;

  private constructor(kv: KV, keys: BucketKeys) {
    this.#kv = kv;
    this.#keys = keys;
  }

  static async open(nats: NatsConnection, log: Logger, hub: HubOptions = {}): Promise<OperationStore> {
    const kv = await hubBucket(nats, log, { name: BUCKET, history: 1, ttl: KEPT_MS }, hub);
    return new OperationStore(kv, new BucketKeys(nats, BUCKET, hub.hubDomain));
  }

  /** An id for a new operation; later ones sort behind earlier ones. */
  static newId(kind: OperationKind, now: number): string {
    return `${kind}-${now.toString(36)}-${crypto.randomUUID().slice(0, 4)}`;
  }

  async create(
    id: string,
    kind: OperationKind,
    cell: string,
    version: number,
    now: number,
  ): Promise<Operation> {
    const created: Operation = { id, kind, cell, state: "running", version, startedAt: now, progress: {} };
    await this.#kv.create(id, JSON.stringify(created));
    return created;
  }

  async get(id: string): Promise<Operation | null> {
    const entry = await this.#kv.get(id);
    return entry === null || entry.operation !== "PUT" ? null : operation.parse(JSON.parse(entry.string()));
  }

  async remove(id: string): Promise<void> {
    await this.#keys.remove(id);
  }

  /** The newest operations first. */
  async list(limit: number): Promise<Operation[]> {
    const found = await Promise.all((await this.#keys.list()).map((key) => this.get(key)));
    const operations = found.filter((entry) => entry !== null);
    return operations.sort((a, b) => b.startedAt - a.startedAt).slice(0, limit);
  }

  /** Changes an operation until nobody interferes; null if there is none of that id. */
  async change(id: string, change: (operation: Operation) => Operation): Promise<Operation | null> {
    const deadlineAt = performance.now() + CHANGE_DEADLINE_MS;
    for (let attempt = 0; ; attempt++) {
      const entry = await this.#kv.get(id);
      if (entry === null) return null;
      const before = operation.parse(JSON.parse(entry.string()));
      const after = change(before);
      if (after === before) return before;
      try {
        await this.#kv.put(id, JSON.stringify(after), { previousSeq: entry.revision });
        return after;
      } catch (error) {
        if (attempt === MAX_ATTEMPTS - 1 || performance.now() >= deadlineAt) throw error;
        await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, FIRST_WAIT_MS, MAX_WAIT_MS)));
      }
    }
  }
}

/**
 * Begins an operation: writes it down, then changes the directory. If that is not changed, for whatever reason, nothing
 * remains of it; where that can't be known, what was written down stays. The reason is passed on.
 */
export async function startOperation(context: {
  operations: OperationStore;
  directory: DirectoryStore;
  kind: OperationKind;
  /** The cell or tenant that is changed. */
  cell: string;
  change: (directory: Directory, cell: string, operation: string) => Directory;
}): Promise<Operation> {
  const { operations, directory, kind, cell, change } = context;
  const id = OperationStore.newId(kind, Date.now());
  const operation = await operations.create(id, kind, cell, directory.current.version, Date.now());
  let replaced: string | null | undefined;
  try {
    const changed = await directory.change((current) => {
      // Its own change, whose acknowledgement did not come.
      if (current.operation === id) return current;
      replaced = current.operation;
      return change(current, cell, id);
    });
    operation.version = changed.version;
  } catch (error) {
    const { operation: underWay } = await directory.refresh().catch(() => ({ operation: id }));
    if (underWay !== id) await operations.remove(id);
    throw error;
  }
  if (replaced) await operations.change(replaced, superseded);
  return operation;
}

/** Whether a part of it failed for too long, and waits for an operator. */
export function isParked({ state, progress }: Operation): boolean {
  return state === "running" && Object.values(progress).some(({ parked }) => parked === true);
}

/** The operation as if nothing had failed, for one cell or for all; itself where nothing has. */
export function unparked(operation: Operation, cell?: string): Operation {
  const concerns = (id: string) => cell === undefined || cell === id;
  const isTold =
    operation.error !== undefined && (cell === undefined || operation.error.startsWith(`${cell}: `));
  const parts = Object.entries(operation.progress);
  if (!isTold && !parts.some(([id, { parked }]) => parked === true && concerns(id))) return operation;
  const { error, ...rest } = operation;
  const progress = Object.fromEntries(
    parts.map(([id, part]) => {
      const { parked: _, ...well } = part;
      return [id, concerns(id) ? well : part];
    }),
  );
  return isTold || error === undefined ? { ...rest, progress } : { ...rest, error, progress };
}

function superseded(operation: Operation): Operation {
  return operation.state === "running"
    ? { ...operation, state: "superseded", finishedAt: Date.now() }
    : operation;
}
