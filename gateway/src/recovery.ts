/**
 * Joining a channel: from where a client stands to where the relay stands, without a gap and without a
 * repetition, then onto the topic in the same turn.
 *
 * Most positions lie in the relay's tail and need nobody else. Deeper ones are read from the actor page by
 * page, at the pace at which the client takes them; the answer says `recovered: true` only after the first page
 * has shown that everything is there, and if a later one fails the connection is closed so that it resumes.
 */
import {
  PlexusError,
  type Position,
  readHead,
  recordAfter,
  type SubFrame,
  type SubOk,
} from "@plexus/protocol";
import type { ReadAnswer, ReadRange } from "@plexus/runtime";
import type { ChannelRelay } from "./channel-relay.js";
import type { Connection, Subscription } from "./connection.js";
import * as metrics from "./metrics.js";
import type { PageReader } from "./page-reader.js";
import { resetBehind } from "./transcode.js";

/** Messages of one page. */
const PAGE_MESSAGES = 1_000;
/** Questions in a row for what retention takes before it is read. */
const MAX_TRIMMED = 5;
/** The next page is asked for once no more than this is unsent. */
const LOW_WATER_BYTES = 128 * 1024;

interface Join {
  readonly connection: Connection;
  readonly subscription: Subscription;
  readonly relay: ChannelRelay;
  readonly frame: SubFrame;
  /** All that lies after the start is wanted, or nothing (`since`); otherwise as much as there is (`rewind`). */
  exact: boolean;
}

/** Brings a subscription to life and answers its `sub`. Rejects if that can't be done; nothing was sent then. */
export async function joinChannel(
  pages: PageReader,
  connection: Connection,
  subscription: Subscription,
  frame: SubFrame,
): Promise<void> {
  const { relay } = subscription;
  const join: Join = { connection, subscription, relay, frame, exact: false };
  await relay.opened;
  if (gone(join)) return givenUp(join);
  if (subscription.presence) {
    subscription.watching = true;
    await relay.presence.watch();
  }
  const from = await startOf(join);
  if (gone(join)) return givenUp(join);
  if (from === null) return finish(join, relay.position.seq, false);
  if (!covers(relay, from)) await relay.fillTail().catch(() => undefined);
  if (gone(join)) return givenUp(join);
  if (covers(relay, from)) return finish(join, from.seq, true);
  await catchUp(pages, join, from);
}

/** Where recovery begins; null where the client starts at the present. */
async function startOf(join: Join): Promise<Position | null> {
  const { relay, frame } = join;
  const { since, rewind } = frame;
  if (since !== undefined) {
    if (await comesToKnow(relay, since)) {
      join.exact = true;
      return since;
    }
    metrics.recoveries.inc({ outcome: "unknown" });
  }
  if (rewind === undefined) return null;
  return { epoch: relay.position.epoch, seq: Math.max(0, relay.position.seq - rewind) };
}

function knows(relay: ChannelRelay, position: Position): boolean {
  return position.epoch === relay.position.epoch && position.seq <= relay.position.seq;
}

/** Longer than two workers may disagree on who has a channel: only one of them knows its newest messages. */
const REACH_WITHIN_MS = 2_500;
const COMPARE_EVERY_MS = 250;
const LOOK_EVERY_MS = 20;
/** A comparison that meets a change of epoch counts for neither. */
const COMPARISONS_OF_EPOCH = 2;

/**
 * Whether the position is one of this channel. Where it is newer than what is known here (another gateway was quicker,
 * or this one has been deaf), the relay is given time to get there: a position that the actor does not know of is no
 * proof that it never was.
 */
async function comesToKnow(relay: ChannelRelay, position: Position): Promise<boolean> {
  const givesUpAt = performance.now() + REACH_WITHIN_MS;
  for (let compared = 0; !knows(relay, position); ) {
    const now = performance.now();
    if (now > givesUpAt && relay.relay.behind)
      throw new PlexusError("unavailable", "the channel is being caught up with", { retry: 200 });
    if (now > givesUpAt) return false;
    await relay.checkAnew();
    if (++compared >= COMPARISONS_OF_EPOCH && position.epoch !== relay.position.epoch) return false;
    const compareAt = performance.now() + COMPARE_EVERY_MS;
    while (
      !knows(relay, position) &&
      position.epoch === relay.position.epoch &&
      performance.now() < compareAt
    )
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return true;
}

/** Whether the relay gets to where pages have brought a client: it may have been deaf meanwhile. */
function getsTo(relay: ChannelRelay, cursor: Position): Promise<boolean> {
  return comesToKnow(relay, cursor).catch(() => false);
}

function covers(relay: ChannelRelay, from: Position): boolean {
  if (from.epoch !== relay.position.epoch) return false;
  relay.dropOldTail(performance.now());
  // Not from further on than the relay has come: the topic would bring what lies between once more.
  return from.seq === relay.position.seq || (knows(relay, from) && relay.relay.tail.reaches(from.seq));
}

/** Sends what the tail holds after `seq`, and joins the topic: all in this turn. */
function finish(join: Join, seq: number, recovered: boolean): void {
  const { connection, subscription, relay } = join;
  connection.cork(() => {
    answer(join, recovered);
    for (const record of relay.relay.tail.after(seq) ?? []) sendAfter(connection, record.bytes, seq);
    connection.join(relay.key, subscription.presence);
  });
  if (relay.isLatestOnly) relay.latest.join(connection);
  subscription.state = "live";
}

function answer(join: Join, recovered: boolean): void {
  const { relay, frame, subscription, connection } = join;
  if (subscription.answered) return;
  subscription.answered = true;
  const ok: SubOk = {
    op: "ok",
    id: frame.id,
    ch: frame.ch,
    ...relay.position,
    recovered: join.exact && recovered,
  };
  if (ok.recovered) metrics.recoveries.inc({ outcome: "recovered" });
  if (!subscription.presence) return connection.send(ok);
  const begin = Buffer.from(JSON.stringify(ok).slice(0, -1));
  connection.sendBytes(Buffer.concat([begin, relay.presence.listEnd()]));
}

async function catchUp(pages: PageReader, join: Join, from: Position): Promise<void> {
  const { relay, connection } = join;
  let cursor = from;
  for (let trimmed = 0; ; ) {
    const page = await readPage(pages, join, cursor);
    if (gone(join)) return givenUp(join);
    if (page === null) return giveUp(join);
    if (page.state === "trimmed" && !join.exact && !join.subscription.answered && ++trimmed < MAX_TRIMMED) {
      cursor = { ...cursor, seq: page.oldest - 1 };
      if (covers(relay, cursor)) return finish(join, cursor.seq, false);
      continue;
    }
    // From an actor that does not know yet what this client has.
    if (page.state !== "ok" && page.head.epoch === cursor.epoch && page.head.seq < cursor.seq)
      return giveUp(join);
    if (page.state !== "ok") return notThere(join);
    const before = cursor.seq;
    connection.cork(() => {
      cursor = overHole(join, cursor, page);
      answer(join, true);
      for (const record of page.records)
        cursor = { ...cursor, seq: sendAfter(connection, record, cursor.seq) };
    });
    await connection.drainedBelow(LOW_WATER_BYTES);
    if (gone(join)) return;
    if (cursor.epoch !== relay.position.epoch || !(await getsTo(relay, cursor))) return giveUp(join);
    if (gone(join)) return;
    if (covers(relay, cursor)) return finish(join, cursor.seq, true);
    if (cursor.seq === before) return giveUp(join);
  }
}

/**
 * Where a page goes on, if retention has taken what lies in between: a `rewind` begins with the oldest that is kept, and
 * where it has begun already the client is told.
 */
function overHole(
  { frame: { ch }, subscription, connection }: Join,
  cursor: Position,
  page: ReadAnswer,
): Position {
  const [first] = page.records;
  const seq = first === undefined ? cursor.seq : readHead(first)!.seq - 1;
  if (seq <= cursor.seq) return cursor;
  const { epoch } = cursor;
  if (subscription.answered) connection.send({ op: "reset", ch, epoch, seq, recovered: false });
  return { epoch, seq };
}

async function readPage(pages: PageReader, join: Join, cursor: Position): Promise<ReadAnswer | null> {
  const { tenant, channel, home } = join.relay;
  const range: ReadRange = { after: cursor.seq, epoch: cursor.epoch, limit: PAGE_MESSAGES };
  if (!join.exact) range.orOldest = true;
  try {
    return await pages.read(tenant, channel, home, range);
  } catch (error) {
    if (join.subscription.answered) return null;
    throw error;
  }
}

/** What was asked for is not there (any more): all or nothing, so the client starts at the present. */
function notThere(join: Join): void {
  if (join.subscription.answered) return giveUp(join);
  metrics.recoveries.inc({ outcome: "trimmed" });
  finish(join, join.relay.position.seq, false);
}

/** The client has been told `recovered: true` and can't be given the rest: it resumes from where it is. */
function giveUp({ subscription, connection }: Join): void {
  metrics.recoveries.inc({ outcome: "interrupted" });
  if (!subscription.answered)
    throw new PlexusError("unavailable", "the channel moved while it was recovered", { retry: 100 });
  connection.close("recovery_failed", { min: 0, max: 1_000 });
}

function gone({ connection, subscription }: Join): boolean {
  return !connection.isOpen || subscription.state === "left";
}

/** Left (by `unsub`, or for want of a capability) before it was joined: the `sub` has its answer all the same. */
function givenUp({ subscription, connection }: Join): void {
  if (subscription.answered || !connection.isOpen) return;
  const left = new PlexusError("not_subscribed", "the subscription was given up before it began");
  throw subscription.refusal ?? left;
}

/** Sends the part of a record that lies after `seq`; returns the seq that the client has then. */
function sendAfter(connection: Connection, bytes: Uint8Array, seq: number): number {
  const head = readHead(bytes)!;
  const last = head.seq + head.n - 1;
  if (last <= seq) return seq;
  const rest = recordAfter(bytes, head, seq);
  // It would be as little readable when the client comes back: it is told that something is missing, and goes on.
  if (rest === null) connection.send(resetBehind(head));
  else connection.sendBytes(rest);
  return last;
}
