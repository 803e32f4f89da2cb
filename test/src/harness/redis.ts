/** A look into a cell's Redis, as an operator has it. */
import { Redis } from "ioredis";

export function openRedis(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on("error", () => undefined); // commands fail by themselves, and it connects again
  return redis;
}

/** The members of a channel as they are mirrored, by connection. */
export async function mirroredMembers(redis: Redis, ch: string): Promise<Record<string, string>> {
  const [key] = await redis.keys(`plexus:*:members:*/${ch}`);
  if (key === undefined) return {};
  const fields = Object.entries(await redis.hgetall(key));
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}
