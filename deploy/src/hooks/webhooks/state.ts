import type { KV } from "@nats-io/kv";
import { BucketKeys, type HubOptions, hubBucket, type Logger, type NatsConnection } from "@plexus/runtime";
import type { Position } from "./batch.js";

const BUCKET = "plexus-webhooks";
const MAX_ERROR_CHARACTERS = 300;

/** Where a webhook stands in one stream. */
export interface LanePosition extends Partial<Position> {
  /** Where it began: with what was stored from this time on (ms since 1970). */
  readonly since: number;
  /** Which life of a cell's log the position is one of. */
  readonly log?: string;
  /** When something of it was delivered last (ms since 1970). */
  readonly at?: number;
  /** Entries of the stream that waited when it was last looked at. */
  readonly waiting?: number;
}

/** What is kept of a webhook: one entry in a bucket on the hub. */
export interface WebhookState {
  readonly since: number;
  /** Events. */
  delivered: number;
  /** Batches that became dead letters. */
  dead: number;
  lastDeliveredAt?: number;
  failingSince?: number;
  lastError?: string;
  /** By stream: `lifecycle`, or a cell's name with `cell.` before it. */
  lanes: Record<string, LanePosition>;
}

export class WebhookStates {
  readonly #kv: KV;
  readonly #keys: BucketKeys;

  private constructor(kv: KV, keys: BucketKeys) {
    this.#kv = kv;
    this.#keys = keys;
  }

  static async open(nats: NatsConnection, log: Logger, hub: HubOptions): Promise<WebhookStates> {
    const kv = await hubBucket(nats, log, { name: BUCKET, history: 1 }, hub);
    return new WebhookStates(kv, new BucketKeys(nats, BUCKET, hub.hubDomain));
  }

  async read(tenant: string, webhook: string): Promise<{ state: WebhookState; revision: number } | null> {
    const entry = await this.#kv.get(`${tenant}.${webhook}`);
    if (entry === null || entry.operation !== "PUT") return null;
    return { state: entry.json<WebhookState>(), revision: entry.revision };
  }

  /** Rejects where somebody else has written it since. */
  write(tenant: string, webhook: string, state: WebhookState, revision: number): Promise<number> {
    return this.#kv.update(`${tenant}.${webhook}`, JSON.stringify(state), revision);
  }

  /** The entry as it is, or a new one. */
  async ensure(
    tenant: string,
    webhook: string,
    now: number,
  ): Promise<{ state: WebhookState; revision: number }> {
    const found = await this.read(tenant, webhook);
    if (found !== null) return found;
    const state: WebhookState = { since: now, delivered: 0, dead: 0, lanes: {} };
    return { state, revision: await this.#kv.create(`${tenant}.${webhook}`, JSON.stringify(state)) };
  }

  remove(tenant: string, webhook: string): Promise<void> {
    return this.#keys.remove(`${tenant}.${webhook}`);
  }

  /** Names of all that are kept. */
  async names(): Promise<Array<{ tenant: string; webhook: string }>> {
    return (await this.#keys.list()).map((key) => {
      const [tenant, webhook] = key.split(".") as [string, string];
      return { tenant, webhook };
    });
  }
}

/**
 * The state of one webhook while this process delivers it: changed in memory, written one write at a time. A write
 * that meets another one's ends the delivery here, since somebody else has taken it over.
 */
export class LiveState {
  readonly state: WebhookState;
  readonly #write: (state: WebhookState, revision: number) => Promise<number>;
  readonly #onConflict: () => void;
  readonly #log: Logger;
  #revision: number;
  #writing: Promise<void> | null = null;
  #again: Promise<void> | null = null;

  constructor(
    found: { state: WebhookState; revision: number },
    write: (state: WebhookState, revision: number) => Promise<number>,
    onConflict: () => void,
    log: Logger,
  ) {
    this.state = found.state;
    this.#revision = found.revision;
    this.#write = write;
    this.#onConflict = onConflict;
    this.#log = log;
  }

  /** Begins a lane where it is new. */
  begin(lane: string, since: number): void {
    this.state.lanes[lane] ??= { since };
  }

  /** Where a lane stands; undefined where it was forgotten. */
  lane(name: string): LanePosition | undefined {
    return this.state.lanes[name];
  }

  /** What was forgotten stays so, whatever its reader still had under way. */
  move(lane: string, change: Partial<LanePosition>): void {
    const known = this.lane(lane);
    if (known !== undefined) this.state.lanes[lane] = { ...known, ...change };
  }

  /** Begins a lane anew from `position`; not one that was forgotten. */
  restart(lane: string, position: LanePosition): void {
    if (this.lane(lane) !== undefined) this.state.lanes[lane] = position;
  }

  forget(lane: string): void {
    delete this.state.lanes[lane];
  }

  delivered(events: number, now: number): void {
    this.state.delivered += events;
    this.state.lastDeliveredAt = now;
    delete this.state.failingSince;
    delete this.state.lastError;
  }

  failed(error: string, now: number): void {
    this.state.failingSince ??= now;
    this.state.lastError = error.slice(0, MAX_ERROR_CHARACTERS);
  }

  /** Resolves once all that was changed before is written, or can't be. */
  save(): Promise<void> {
    if (this.#writing === null) {
      this.#writing = this.#save().finally(() => {
        this.#writing = null;
      });
      return this.#writing;
    }
    this.#again ??= this.#writing.then(() => {
      this.#again = null;
      return this.save();
    });
    return this.#again;
  }

  async #save(): Promise<void> {
    try {
      this.#revision = await this.#write(this.state, this.#revision);
    } catch (error) {
      // The next write carries it: until then, at worst, something is delivered twice.
      this.#log.warn({ err: error }, "a webhook's position could not be written");
      if (String(error).includes("wrong last sequence")) this.#onConflict();
    }
  }
}
