/** Removing what retention no longer keeps. The newest record always stays: it holds the channel's position. */
import { locate, type ReadableChannel } from "./reader.js";

/**
 * Log sequence below which the channel's records in this cell's log may go; null if nothing has to. Records
 * that later ones refer to stay: the one that opened the present stretch.
 */
export async function trimPoint(channel: ReadableChannel, now: number): Promise<number | null> {
  const { logs, fence, position, retention } = channel;
  const stretch = channel.segments.at(-1);
  if (stretch === undefined || stretch.cell !== logs.cell || fence === 0) return null;
  const subject = logs.subject(logs.cell);
  const oldest = await logs.own.next(subject, 1);
  if (oldest === null || oldest.logSeq === fence) return null;
  let below = oldest.logSeq;
  const oldestKept = position.seq - retention.messages + 1;
  if (oldestKept > stretch.first)
    below = Math.max(below, await locate(logs.own, subject, stretch, oldestKept));
  if (oldest.storedAt <= now - retention.ageMs) {
    const bounds = { records: 1, bytes: 1 };
    const [young] = await logs.own.read(subject, { storedAt: now - retention.ageMs }, bounds);
    below = Math.max(below, young?.logSeq ?? fence);
  }
  // A stretch that was opened by a take-over is trimmed only as a whole, since its open record leads back.
  const wasOpened = stretch.low > 1 || oldest.head.op === "open";
  const movable = wasOpened ? Math.min(below, stretch.low) : below;
  return movable > oldest.logSeq ? Math.min(movable, fence) : null;
}
