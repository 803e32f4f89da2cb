/** Removing what retention no longer keeps. The newest record always stays: it holds the channel's position. */
import { locate, type ReadableChannel } from "./reader.js";

export interface TrimPlan {
  /** Records of the channel below this sequence of its cell's log may go; null if none has to. */
  readonly below: number | null;
  /**
   * More could go, but for the record that says where the channel's past is: it has to be written anew, for what
   * lies from this seq on. Null if that is not in the way.
   */
  readonly reopenFrom: number | null;
}

const NOTHING: TrimPlan = { below: null, reopenFrom: null };

/** What may be trimmed of a channel in its cell's log. */
export async function planTrim(channel: ReadableChannel, now: number): Promise<TrimPlan> {
  const { logs, fence, position, retention, opened } = channel;
  const subject = logs.subject(logs.cell);
  if (fence === 0) return NOTHING;
  const oldest = await logs.own.next(subject, 1);
  if (oldest === null || oldest.logSeq === fence) return NOTHING;
  const oldestKept = position.seq - retention.messages + 1;
  let below = await belowCount(channel, oldestKept);
  if (oldest.storedAt <= now - retention.ageMs) {
    const bounds = { records: 1, bytes: 1 };
    const [young] = await logs.own.read(subject, { storedAt: now - retention.ageMs }, bounds);
    below = Math.max(below, young?.logSeq ?? fence);
  }
  below = Math.min(below, fence);
  const inTheWay = opened > 0 && below > opened;
  const movable = inTheWay ? opened : below;
  return {
    below: movable > oldest.logSeq ? movable : null,
    reopenFrom: inTheWay && opened < fence ? Math.max(1, oldestKept) : null,
  };
}

/** Log sequence of the record that holds the oldest message kept by count, if that lies in this cell's log. */
async function belowCount({ logs, segments }: ReadableChannel, oldestKept: number): Promise<number> {
  const own = segments.filter((segment) => segment.cell === logs.cell);
  const gone = own.filter((segment) => segment.last < oldestKept);
  const holder = own.find((segment) => segment.first <= oldestKept && oldestKept <= segment.last);
  const past = gone.reduce((high, segment) => Math.max(high, segment.high + 1), 0);
  if (holder === undefined) return past;
  return Math.max(past, await locate(logs.own, logs.subject(logs.cell), holder, oldestKept));
}
