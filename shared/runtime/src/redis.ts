import { Redis } from "ioredis";
import { Dependency } from "./dependencies.js";
import type { Logger } from "./log.js";
import { backoffMs } from "./retry.js";

export type { Redis } from "ioredis";

/** A command without an answer by then fails; nothing that matters to messages waits for Redis. */
export const COMMAND_TIMEOUT_MS = 1_500;
const FIRST_RETRY_WAIT_MS = 50;
const MAX_RETRY_WAIT_MS = 2_000;

/**
 * Connects in the background and keeps reconnecting. While there is no connection commands fail at once
 * instead of queueing, so an outage can't fill memory.
 */
export function connectRedis(url: string, log: Logger): Redis {
  const redis = new Redis(url, {
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) => backoffMs(attempt, FIRST_RETRY_WAIT_MS, MAX_RETRY_WAIT_MS),
  });
  const dependency = new Dependency("redis");
  redis.on("close", () => dependency.down());
  let well = true;
  redis.on("error", (error: Error) => {
    if (well) log.warn({ err: error }, "redis is away");
    well = false;
  });
  redis.on("ready", () => {
    dependency.up();
    if (!well) log.warn("redis is back");
    well = true;
  });
  return redis;
}

export async function checkRedis(redis: Redis): Promise<string | undefined> {
  try {
    await redis.ping();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
