import type { KV } from "@nats-io/kv";
import { type BotSubject, PlexusError, type Position } from "@plexus/protocol";
import { BucketKeys, type HubOptions, hubBucket, type Logger, type NatsConnection } from "@plexus/runtime";

const BUCKET = "bot-positions";
/** A bot that keeps its place in more channels than this is none. */
const MAX_CHANNELS_PER_BOT = 1_000;
const RETRY_MS = 1_000;

/** How far bots have come, by channel: a NATS KV bucket on the hub, which bots themselves can't touch. */
export class BotPositions {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #hub: HubOptions;
  readonly #keys: BucketKeys;
  #kv: Promise<KV> | undefined;

  constructor(nats: NatsConnection, log: Logger, hub: HubOptions) {
    this.#nats = nats;
    this.#log = log;
    this.#hub = hub;
    this.#keys = new BucketKeys(nats, BUCKET, hub.hubDomain);
  }

  /** Null where none was stored. */
  async get(subject: BotSubject): Promise<Position | null> {
    const entry = await this.#ask((kv) => kv.get(keyOf(subject)));
    return entry === null || entry.operation !== "PUT" ? null : entry.json<Position>();
  }

  async put(subject: BotSubject, { epoch, seq }: Position): Promise<void> {
    await this.#ask(async (kv) => {
      const key = keyOf(subject);
      if ((await kv.get(key)) === null && (await this.#channelsOf(subject)) >= MAX_CHANNELS_PER_BOT)
        throw new PlexusError(
          "limit_reached",
          `a bot may keep positions in ${MAX_CHANNELS_PER_BOT} channels`,
        );
      await kv.put(key, JSON.stringify({ epoch, seq }));
    });
  }

  async #channelsOf({ tenant, bot }: BotSubject): Promise<number> {
    return (await this.#keys.list(`${tenant}.${bot}.`)).length;
  }

  async #ask<T>(question: (kv: KV) => Promise<T>): Promise<T> {
    this.#kv ??= hubBucket(this.#nats, this.#log, { name: BUCKET, history: 1 }, this.#hub);
    const opened = this.#kv;
    try {
      return await question(await opened);
    } catch (cause) {
      if (cause instanceof PlexusError) throw cause;
      // The bucket is opened again: it may have been gone.
      if (this.#kv === opened) this.#kv = undefined;
      throw new PlexusError("unavailable", "positions can't be reached", { retry: RETRY_MS, cause });
    }
  }
}

function keyOf({ tenant, bot, channel }: BotSubject): string {
  return `${tenant}.${bot}.${channel}`;
}
