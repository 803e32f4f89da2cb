/**
 * Presence in a cell's Redis: the members of each channel, and the leases of gateways. Every key is named here,
 * and every one has the cell in it, since cells may share a Redis.
 *
 *   plexus:<cell>:members:<tenant>/<channel>   hash   conn → member as JSON, with its gateway
 *   plexus:<cell>:lease:<gateway>              string a token, gone when the gateway has not renewed it in time
 *   plexus:<cell>:gateways                     zset   gateways by the end of their lease (Redis's clock, ms)
 *   plexus:<cell>:bots                         zset   the same for bots: each is a gateway of its own in each channel
 *   plexus:<cell>:held:<gateway>               set    the channels in which the gateway has members
 */
import { BOT_LEASE_MS } from "@plexus/protocol";
import { Breaker, type Redis, through } from "@plexus/runtime";
import { isBotGateway } from "./bots/bot-gateway.js";
import * as metrics from "./metrics.js";
import type { HeldMember, Unmirrored } from "./presence.js";

/** A gateway that was killed is noticed after this, and gone from all lists a second or two later. */
export const LEASE_MS = 6_000;
const SCAN_COUNT = 500;

function keysOf(cell: string) {
  return {
    members: (channelKey: string) => `plexus:${cell}:members:${channelKey}`,
    lease: (gateway: string) => `plexus:${cell}:lease:${gateway}`,
    gateways: `plexus:${cell}:gateways`,
    bots: `plexus:${cell}:bots`,
    held: (gateway: string) => `plexus:${cell}:held:${gateway}`,
  };
}

const NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)";

/**
 * Renews the lease, or makes a new one with the token given. Once {@link ENDED} may have named the gateway it is a new one,
 * though the key may live for a moment longer: within a script, Redis before 7.2 reads its clock for each command.
 * KEYS: lease, gateways.
 */
const RENEW = `${NOW}
local token = redis.call('GET', KEYS[1])
local ends = redis.call('ZSCORE', KEYS[2], ARGV[3])
if token and ends and now < tonumber(ends) then redis.call('PEXPIRE', KEYS[1], ARGV[1])
else token = ARGV[2]; redis.call('SET', KEYS[1], token, 'PX', ARGV[1]) end
redis.call('ZADD', KEYS[2], now + ARGV[1], ARGV[3])
return token`;

/** The gateways whose lease is over. KEYS: gateways. */
const ENDED = `${NOW}
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)`;

/** Forgets a gateway that holds nothing any more, unless it came back. KEYS: gateways, lease, held. */
const FORGET = `
if redis.call('EXISTS', KEYS[2]) == 0 and redis.call('EXISTS', KEYS[3]) == 0 then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0`;

/** Makes sure that a gateway whose lease never came to be is swept too. KEYS: gateways. */
const NOTICE = `${NOW}
return redis.call('ZADD', KEYS[1], 'NX', now + ARGV[1], ARGV[2])`;

export class PresenceStore {
  readonly #redis: Redis;
  readonly #keys: ReturnType<typeof keysOf>;
  readonly #breaker: Breaker;

  /** Every call goes through the breaker: while Redis is away each fails at once instead of at its deadline. */
  constructor(redis: Redis, cell: string, breaker = new Breaker()) {
    this.#redis = redis;
    this.#keys = keysOf(cell);
    this.#breaker = breaker;
  }

  /**
   * Renews a gateway's lease and returns its token. A token other than the last time's means that Redis forgot
   * the gateway, or gave it up: it has to announce its members again.
   */
  async renew(gateway: string): Promise<string> {
    const token = crypto.randomUUID();
    const lease = this.#keys.lease(gateway);
    const [ends, leaseMs] = this.#leaseOf(gateway);
    return (await this.#ask(() =>
      this.#redis.eval(RENEW, 2, lease, ends, leaseMs, token, gateway),
    )) as string;
  }

  async endedGateways(): Promise<string[]> {
    return (await this.#ask(() => this.#redis.eval(ENDED, 1, this.#keys.gateways))) as string[];
  }

  async endedBots(): Promise<string[]> {
    return (await this.#ask(() => this.#redis.eval(ENDED, 1, this.#keys.bots))) as string[];
  }

  /** Sees to it that the end of these gateways is noticed, also where Redis has forgotten them. */
  async expect(gateways: Iterable<string>): Promise<void> {
    // NOTICE changes nothing where it is known when the gateway's lease ends.
    const pipeline = this.#redis.pipeline();
    for (const gateway of gateways) pipeline.eval(NOTICE, 1, ...this.#leaseOf(gateway), gateway);
    await this.#execute(pipeline);
  }

  /** The channels (as keys) in which a gateway has members. */
  async *heldBy(gateway: string): AsyncGenerator<string> {
    let cursor = "0";
    do {
      const [next, channels] = await this.#ask(() =>
        this.#redis.sscan(this.#keys.held(gateway), cursor, "COUNT", SCAN_COUNT),
      );
      yield* channels;
      cursor = next;
    } while (cursor !== "0");
  }

  async forget(gateway: string): Promise<void> {
    const [ends] = this.#leaseOf(gateway);
    const keys = [ends, this.#keys.lease(gateway), this.#keys.held(gateway)];
    await this.#ask(() => this.#redis.eval(FORGET, keys.length, ...keys, gateway));
  }

  async load(channelKey: string): Promise<HeldMember[]> {
    const stored = await this.#ask(() => this.#redis.hgetall(this.#keys.members(channelKey)));
    return Object.values(stored).map((json) => JSON.parse(json) as HeldMember);
  }

  /** Removes all that is known of a channel, which lives in another cell now. */
  async abandon(channelKey: string, gateways: Iterable<string>): Promise<void> {
    const pipeline = this.#redis.pipeline().del(this.#keys.members(channelKey));
    for (const gateway of gateways) pipeline.srem(this.#keys.held(gateway), channelKey);
    await this.#execute(pipeline);
  }

  /** Writes what has changed since the last time. */
  async mirror(channelKey: string, { changes, holds, whole }: Unmirrored): Promise<void> {
    // Whoever reads while the list is written anew must not take the part that is there for all of it.
    const pipeline = whole ? this.#redis.multi() : this.#redis.pipeline();
    if (whole) pipeline.del(this.#keys.members(channelKey));
    for (const { conn, member } of changes) {
      if (member === undefined) pipeline.hdel(this.#keys.members(channelKey), conn);
      else pipeline.hset(this.#keys.members(channelKey), conn, JSON.stringify(member));
    }
    for (const [gateway, some] of holds) {
      if (some) {
        pipeline.sadd(this.#keys.held(gateway), channelKey);
        pipeline.eval(NOTICE, 1, ...this.#leaseOf(gateway), gateway);
      } else pipeline.srem(this.#keys.held(gateway), channelKey);
    }
    await this.#execute(pipeline);
  }

  /** Where the end of its lease is noted down, and how long that is. */
  #leaseOf(gateway: string): [ends: string, leaseMs: number] {
    return isBotGateway(gateway) ? [this.#keys.bots, BOT_LEASE_MS] : [this.#keys.gateways, LEASE_MS];
  }

  #execute(pipeline: ReturnType<Redis["pipeline"]>): Promise<void> {
    return this.#ask(async () => {
      const results = await pipeline.exec();
      const failure = results?.find(([error]) => error !== null)?.[0];
      if (results === null || failure) throw failure ?? new Error("the transaction was dropped");
    });
  }

  #ask<T>(call: () => Promise<T>): Promise<T> {
    return through(this.#breaker, "Redis", () => timed(call), isReply);
  }
}

async function timed<T>(call: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    return await call();
  } finally {
    metrics.redisSeconds.add((performance.now() - startedAt) / 1_000);
  }
}

/** Redis itself refused, for want of memory for example: it is there. */
function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}
