/** What entries of the streams mean for a webhook; pure. */
import {
  decodeControl,
  matches,
  opOf,
  parseLogSubject,
  type RecordSegment,
  tryDecodeRecord,
} from "@plexus/protocol";
import type { LifecycleEvent, Webhook } from "@plexus/runtime";
import type { Item, Position } from "./batch.js";

type Wanted = Pick<Webhook, "events" | "channels">;

function wants({ events, channels }: Wanted, kind: LifecycleEvent["kind"], ch: string | undefined): boolean {
  if (!events.includes(kind)) return false;
  return ch === undefined || channels === undefined || channels.some((pattern) => matches(pattern, ch));
}

/** An entry of the stream of lifecycle events. */
export function lifecycleItems(webhook: Wanted, seq: number, json: string): Item[] {
  const { kind, ch, ts } = JSON.parse(json) as LifecycleEvent;
  return [{ json: wants(webhook, kind, ch) ? json : null, ts, after: { seq, part: 0 } }];
}

/**
 * A record of a cell's log: its messages, each as an event of its own.
 *
 * @param done so many of its messages have been dealt with
 */
export function recordItems(
  webhook: Wanted,
  entry: { seq: number; subject: string; bytes: Uint8Array; ts: number },
  done: number,
): Item[] {
  const { seq, subject, bytes, ts } = entry;
  const after: Position = { seq, part: 0 };
  const nothing: Item[] = [{ json: null, ts, after }];
  const where = parseLogSubject(subject);
  if (where === null || opOf(bytes) !== "msg" || !wants(webhook, "published", where.channel)) return nothing;
  const frame = tryDecodeRecord(bytes);
  // Not written by Plexus, and readable for nobody: it must not hold up what comes behind it.
  if (frame === null) return nothing;
  const { epoch, seq: first, m } = frame;
  const { tenant, channel: ch } = where;
  const items = m.map(({ id: mid, user, conn, ts, data }, i): Item => {
    const position = first + i;
    const id = `${tenant}/${ch}@${epoch}.${position}`;
    const event = { id, kind: "published", tenant, ts, ch, epoch, seq: position, mid, user, conn, data };
    const isLast = i === m.length - 1;
    return { json: JSON.stringify(event), ts, after: isLast ? after : { seq: seq - 1, part: i + 1 } };
  });
  return items.length > done ? items.slice(done) : nothing;
}

/** Where a channel that came to this cell was before: what lies there has to be delivered first. */
export function earlierSegments(bytes: Uint8Array, cell: string): RecordSegment[] {
  if (opOf(bytes) !== "open") return [];
  return decodeControl(bytes).segments.filter((segment) => segment.cell !== cell);
}
