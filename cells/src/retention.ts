/** Removing what retention no longer keeps. The newest record always stays: it holds the channel's position. */
import type { ChannelLog } from "./log.js";
import { locate, type ReadableChannel } from "./reader.js";

/** Log sequence below which the channel's records may go; null if nothing has to. */
export async function trimPoint(
  log: ChannelLog,
  channel: ReadableChannel,
  now: number,
): Promise<number | null> {
  if (channel.fence === 0) return null;
  const oldest = await log.next(channel.subject, 1);
  if (oldest === null || oldest.logSeq === channel.fence) return null;
  let below = oldest.logSeq;
  const { messages, ageMs } = channel.retention;
  const oldestKept = channel.position.seq - messages + 1;
  if (oldestKept > oldest.head.seq) below = Math.max(below, await locate(log, channel, oldest, oldestKept));
  if (oldest.storedAt <= now - ageMs) {
    const [young] = await log.read(channel.subject, { storedAt: now - ageMs }, { records: 1, bytes: 1 });
    below = Math.max(below, young?.logSeq ?? channel.fence);
  }
  return below > oldest.logSeq ? Math.min(below, channel.fence) : null;
}
