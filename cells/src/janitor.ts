/**
 * Retention for channels that nobody uses: their actors are put away, so one worker of the cell walks through the
 * log at a slow pace and removes what is too old or too many. Actors trim the channels in use by themselves.
 */
import { parseLogSubject } from "@plexus/protocol";
import { type Logger, type Settings, Tail } from "@plexus/runtime";
import { type ChannelLogs, loadChannel } from "./loader.js";
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
}

/** From the end of a walk to the next. */
const REST_MS = 60_000;

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
    for (const subject of await this.#context.subjects()) {
      if (this.#stopped || !this.#context.isLeader()) return;
      const parsed = parseLogSubject(subject);
      if (parsed !== null) await this.trim(parsed.tenant, parsed.channel);
      await new Promise((resolve) => setTimeout(resolve, this.#context.paceMs));
    }
  }

  /** Trims one channel by what the log says, without its actor: removing what is old needs no agreement. */
  async trim(tenant: string, channel: string): Promise<void> {
    const { settings, cell } = this.#context;
    const logs = this.#context.logsOf(tenant, channel);
    const { retention } = settings.of(tenant, channel);
    const { position, fence, segments, stretch, sealedTo } = await loadChannel(logs, Date.now());
    if (sealedTo !== null) return;
    const { first, opened } = stretch;
    const present = { cell, first, last: position.seq, low: Math.max(1, opened), high: fence };
    const past = position.seq < first ? segments : [...segments, present];
    const tail = new Tail({ maxRecords: 0, maxBytes: 0 });
    const readable = { logs, position, fence, tail, segments: past, opened, retention };
    const { below } = await planTrim(readable, Date.now());
    if (below === null) return;
    await logs.own.trim(logs.subject(cell), below);
    metrics.trimmed.inc();
  }
}
