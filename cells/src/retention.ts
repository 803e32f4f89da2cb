/**
 * Removing what retention no longer keeps. The newest record always stays: it holds the channel's position. What was
 * stored within the idempotency window stays as well, since an actor reads the ids back from there; readers are not
 * shown it.
 */
import type { StoredRecord } from "./log.js";
import { locate, type ReadableChannel } from "./reader.js";
import { firstSince } from "./since.js";
import { WINDOW_IN_LOG_MS } from "./window.js";

export interface TrimPlan {
  /** Records of the channel below this sequence of its cell's log may go; null if none has to. */
  readonly below: number | null;
  /**
   * More could go, but for the record that says where the channel's past is: it has to be written anew, for what
   * lies from this seq on, since nothing before it is kept. Null if that is not in the way.
   */
  readonly reopenFrom: number | null;
}

const NOTHING: TrimPlan = { below: null, reopenFrom: null };

/**
 * What may be trimmed of a channel in its cell's log.
 *
 * @param known the oldest record there, where it is at hand: it need not be asked for again
 */
export async function planTrim(
  channel: ReadableChannel,
  now: number,
  known: StoredRecord | null = null,
): Promise<TrimPlan> {
  const { logs, fence, position, segments, retention, opened } = channel;
  if (fence === 0) return NOTHING;
  const oldest = known ?? (await logs.own.next(logs.subject(logs.cell), 1));
  const windowFrom = now - WINDOW_IN_LOG_MS;
  if (oldest === null || oldest.logSeq === fence || oldest.storedAt >= windowFrom) return NOTHING;
  const oldestKept = position.seq - retention.messages + 1;
  const byAge = await belowAge(channel, oldest, now - retention.ageMs);
  const wanted = Math.max(byAge, await belowCount(channel, oldest, oldestKept));
  if (wanted <= oldest.logSeq) return NOTHING;
  const below = await beforeWindow(channel, oldest, wanted, windowFrom);
  // Where the record that opened the present stretch may go, so may all that came before, here and in other cells.
  const inTheWay = opened > 0 && below > opened;
  const movable = inTheWay ? opened : below;
  return {
    below: movable > oldest.logSeq ? movable : null,
    reopenFrom: inTheWay && opened < fence ? Math.max(oldestKept, segments.at(-1)?.first ?? 1) : null,
  };
}

/** Log sequence of the first record that was stored at this time or later, or of the newest. */
async function belowAge(
  { logs, fence }: ReadableChannel,
  oldest: StoredRecord,
  time: number,
): Promise<number> {
  if (oldest.storedAt >= time) return 0;
  const [young] = await logs.own.read(logs.subject(logs.cell), { storedAt: time }, { records: 1, bytes: 1 });
  return Math.min(young?.logSeq ?? fence, fence);
}

/** Log sequence of the record that holds the oldest message kept by count. */
async function belowCount(
  channel: ReadableChannel,
  { head: { epoch, seq, n } }: StoredRecord,
  oldestKept: number,
): Promise<number> {
  if (epoch === channel.position.epoch && seq + n > oldestKept) return 0;
  return Math.min(await kept(channel, oldestKept), channel.fence);
}

/** This log sequence, or that of the window's first record where that is lower. */
async function beforeWindow(
  { logs }: ReadableChannel,
  oldest: StoredRecord,
  below: number,
  windowFrom: number,
): Promise<number> {
  const subject = logs.subject(logs.cell);
  const first = await logs.own.next(subject, below);
  if (first === null || first.storedAt < windowFrom) return below;
  const young = await firstSince(logs.own, subject, { high: below }, oldest.logSeq + 1, windowFrom);
  return young?.logSeq ?? below;
}

/** Log sequence of the record that holds a seq, if that lies in this cell's log; otherwise behind all that is older. */
async function kept({ logs, segments }: ReadableChannel, seq: number): Promise<number> {
  const own = segments.filter((segment) => segment.cell === logs.cell);
  const gone = own.filter((segment) => segment.last < seq);
  const holder = own.find((segment) => segment.first <= seq && seq <= segment.last);
  const past = gone.reduce((high, segment) => Math.max(high, segment.high + 1), 0);
  if (holder === undefined) return past;
  return Math.max(past, await locate(logs.own, logs.subject(logs.cell), holder, seq));
}
