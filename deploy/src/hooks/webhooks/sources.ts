import { type JetStreamClient, type JetStreamManager, jetstream } from "@nats-io/jetstream";
import { logStream, PlexusError, subjects } from "@plexus/protocol";
import {
  type DirectoryStore,
  Gate,
  incarnationOf,
  LIFECYCLE_STREAM,
  type Logger,
  type NatsConnection,
  streamsOf,
} from "@plexus/runtime";
import * as metrics from "../metrics.js";
import { earlierSegments, lifecycleItems, recordItems } from "./items.js";
import type { Lane, LaneSource } from "./lane.js";

const LIFECYCLE_AHEAD = 500;
/** Records of up to half a megabyte. */
const RECORDS_AHEAD = 16;
/** To make a consumer, the server looks through the stream while it takes nothing else. */
const OPENED_AT_ONCE = 4;
const MAX_WAITING_TO_OPEN = 200_000;
const OPEN_DEADLINE_MS = 3_000;
const LOOK_AGAIN_MS = 200;
/** An earlier log that can't be read for so long holds nobody up any more. */
const ORDER_PATIENCE_MS = 60_000;

/** Cells whose log takes nothing new: it is read from its mirror in the hub, which outlives the cell. */
const SETTLED = new Set(["drained", "down"]);

export interface SourcesContext {
  nats: NatsConnection;
  hub: JetStreamClient;
  directory: DirectoryStore;
  hubDomain: string | undefined;
  log: Logger;
}

/** The streams that webhooks are delivered from. */
export class Sources {
  readonly #context: SourcesContext;
  readonly #opening = new Gate("webhook_reads", OPENED_AT_ONCE, MAX_WAITING_TO_OPEN);

  constructor(context: SourcesContext) {
    this.#context = context;
  }

  lifecycle(tenant: string): LaneSource {
    return {
      name: "lifecycle",
      stream: LIFECYCLE_STREAM,
      filter: subjects.lifecycleOfTenant(tenant),
      ahead: LIFECYCLE_AHEAD,
      open: () => this.#opening.run(async () => ({ client: this.#context.hub, log: undefined })),
      items: (webhook, message) => lifecycleItems(webhook, message.seq, message.string()),
    };
  }

  /** @param laneOf the same webhook's lane of another cell */
  published(tenant: string, cell: string, laneOf: (cell: string) => Lane | undefined): LaneSource {
    return {
      name: `cell.${cell}`,
      stream: logStream(cell),
      filter: subjects.logOfTenant(cell, tenant),
      ahead: RECORDS_AHEAD,
      open: () => this.#opening.run(() => this.#open(cell)),
      items: (webhook, { seq, subject, data: bytes, time }, done) =>
        recordItems(webhook, { seq, subject, bytes, ts: time.getTime() }, done),
      inTurn: async ({ data }, signal) => {
        for (const { cell: earlier, high } of earlierSegments(data, cell)) {
          const lane = laneOf(earlier);
          if (lane !== undefined) await this.#passed(lane, earlier, high, signal);
        }
      },
    };
  }

  /** Whether the cell's log takes nothing new, and is read where it will stay. */
  isSettled(cell: string): boolean {
    const state = this.#context.directory.current.cells.find(({ id }) => id === cell)?.state;
    return this.#context.hubDomain !== undefined && state !== undefined && SETTLED.has(state);
  }

  /** A mirror keeps the sequence numbers, so whichever of the two is read, nothing is delivered twice. */
  async #open(cell: string): Promise<{ client: JetStreamClient; log: string | undefined }> {
    const { hubDomain, nats, hub } = this.#context;
    const own = hubDomain === undefined ? undefined : cell;
    const openOwn = async () => {
      const info = await (await this.#manager(own)).streams.info(logStream(cell));
      const log = incarnationOf(info);
      if (log === undefined) throw new PlexusError("unavailable", "the log is being restored");
      return { client: jetstream(nats, own === undefined ? {} : { domain: own }), log };
    };
    if (!this.isSettled(cell)) return openOwn();
    const hasMirror = await (await this.#manager(hubDomain)).streams.info(logStream(cell)).then(
      () => true,
      () => false,
    );
    return hasMirror ? { client: hub, log: undefined } : openOwn();
  }

  /** Resolves once the lane has dealt with the entry of that number, or it is known that it never will. */
  async #passed(lane: Lane, cell: string, seq: number, signal: AbortSignal): Promise<void> {
    const { log, hubDomain } = this.#context;
    let lostAt: number | null = null;
    while (!signal.aborted && lane.done.seq < seq) {
      const entry = await this.#entry(cell, seq).catch(() => undefined);
      if (entry === null || (entry !== undefined && entry.storedAt < lane.done.since)) return;
      lostAt = entry === undefined ? (lostAt ?? performance.now()) : null;
      if (lostAt !== null && performance.now() - lostAt > ORDER_PATIENCE_MS) {
        metrics.orderWaived.inc();
        return log.warn({ cell, hubDomain }, "an earlier log can't be read: going on without it");
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  /** null where it is no longer kept. */
  async #entry(cell: string, seq: number): Promise<{ storedAt: number } | null> {
    const own = this.#context.hubDomain === undefined ? undefined : cell;
    const domain = this.isSettled(cell) ? this.#context.hubDomain : own;
    const manager = await this.#manager(domain);
    const found = await manager.direct.getMessage(logStream(cell), { seq });
    return found === null ? null : { storedAt: found.time.getTime() };
  }

  #manager(domain: string | undefined): Promise<JetStreamManager> {
    return streamsOf(this.#context.nats, domain, OPEN_DEADLINE_MS);
  }
}
