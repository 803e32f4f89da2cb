/**
 * Retention for channels that nobody uses: their actors are put away, so one worker of the cell walks through the
 * log at a slow pace and removes what is too old or too many. Actors trim the channels in use by themselves.
 */
import { parseLogSubject } from "@plexus/protocol";
import { type Logger, type Settings, Tail } from "@plexus/runtime";
import { type ChannelLogs, isOld, loadChannel } from "./loader.js";
import * as metrics from "./metrics.js";
import { planTrim } from "./retention.js";

export interface JanitorContext {
  readonly cell: string;
  readonly settings: Settings;
  readonly logger: Logger;
  /** Pause between two channels; it bounds what the walk costs the broker. */
  readonly paceMs: number;
  isLeader(): boolean;
  /** Every subject of the cell's log. */
  subjects(): Promise<string[]>;
  logsOf(tenant: string, channel: string): ChannelLogs;
  /** Has the actor that the channel has in this cell trim it. */
  trimByActor(tenant: string, channel: string): Promise<unknown>;
}

/** From the end of a walk to the next. */
const REST_MS = 60_000;
/** After so many channels in a row that could not be trimmed a walk rests as well: it is the log that is away, not they. */
const FAILURES_TO_REST = 10;

export class Janitor {
  readonly #context: JanitorContext;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(context: JanitorContext) {
    this.#context = context;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#walk()
        .catch((error: unknown) =>
          this.#context.logger.warn({ err: error }, "retention walk was interrupted"),
        )
        .finally(() => this.#schedule());
    }, REST_MS);
    this.#timer.unref();
  }

  async #walk(): Promise<void> {
    if (!this.#context.isLeader()) return;
    let failures = 0;
    for (const subject of await this.#context.subjects()) {
      if (this.#stopped || !this.#context.isLeader()) return;
      const parsed = parseLogSubject(subject);
      if (parsed === null) continue;
      failures = (await this.#tryTrim(parsed)) ? 0 : failures + 1;
      const rests = failures >= FAILURES_TO_REST;
      if (rests) failures = 0;
      const pauseMs = rests ? REST_MS : this.#context.paceMs;
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
    }
  }

  /** Whether that could be done: a channel that can't be read is in the way of no other. */
  async #tryTrim({ tenant, channel }: { tenant: string; channel: string }): Promise<boolean> {
    try {
      await this.trim(tenant, channel);
      return true;
    } catch (error) {
      this.#context.logger.warn({ err: error, tenant, channel }, "channel could not be trimmed");
      return false;
    }
  }

  /**
   * Trims one channel by what the log says, without its actor: removing what is old needs no agreement. To write down
   * anew where the past is does: that is left to the actor, and what was in the way goes in the next walk.
   */
  async trim(tenant: string, channel: string): Promise<void> {
    const { settings, cell } = this.#context;
    const logs = this.#context.logsOf(tenant, channel);
    const oldest = await logs.own.next(logs.subject(cell), 1);
    if (oldest === null || !isOld(oldest.storedAt, Date.now())) return;
    const kept = settings.of(tenant, channel).retention;
    const { position, fence, segments, stretch, sealedTo } = await loadChannel(logs, Date.now());
    // How many messages came since is not known where the channel has left: what lies there goes by its age alone.
    const retention = sealedTo === null ? kept : { ...kept, messages: Number.POSITIVE_INFINITY };
    const { first, opened } = stretch;
    const present = { cell, first, last: position.seq, low: Math.max(1, opened), high: fence };
    const past = position.seq < first ? segments : [...segments, present];
    const tail = new Tail({ maxRecords: 0, maxBytes: 0 });
    const readable = { logs, position, fence, tail, segments: past, opened, retention };
    const { below, reopenFrom } = await planTrim(readable, Date.now(), oldest);
    if (below === null && reopenFrom === null) return;
    metrics.trimmed.inc();
    if (below !== null) await logs.own.trim(logs.subject(cell), below);
    if (reopenFrom !== null) await this.#context.trimByActor(tenant, channel);
  }
}
