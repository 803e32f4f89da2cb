/** Questions about a channel that take more than one command: a page of its history, the list of its members. */
import { type HistoryMessage, type Member, PlexusError, readHead, tryDecodeRecord } from "@plexus/protocol";
import type { PresencePage, PresenceSnapshot, PresenceVersion, ReadAnswer, ReadRange } from "./commands.js";
import type { Router } from "./router.js";

export interface HistoryRange {
  /** Bring what lies before this seq … */
  before?: number | undefined;
  /** … or after this one; not both. Neither: the newest. */
  after?: number | undefined;
  limit: number;
}

export interface HistoryPage {
  epoch: string;
  /** In ascending order of seq. */
  messages: HistoryMessage[];
  /** Whether there is more in the direction that was asked for. */
  more: boolean;
}

/** Messages of a page for those who do not say how many. */
export const HISTORY_DEFAULT = 50;
/** Pages that hold nothing that can be read, one behind the other, before it is given up to find one that does. */
const MAX_UNREADABLE = 100;
/** Questions in a row for what retention takes before it is read. */
const MAX_TRIMMED = 5;

/** Reads a page of a channel's history; what retention has taken, and what nobody can read, is passed over. */
export async function readHistory(
  router: Router,
  tenant: string,
  channel: string,
  { before, after, limit }: HistoryRange,
): Promise<HistoryPage> {
  if (before !== undefined && after !== undefined)
    throw new PlexusError("bad_request", "give before or after, not both");
  let range: Bounds = { before, after };
  for (let n = 0; n < MAX_UNREADABLE; n++) {
    const read = await readPage(router, tenant, channel, range, limit);
    const messages = read.records.flatMap(expand).filter(({ seq }) => within(seq, before, after));
    const next = messages.length > 0 ? null : beyond(read, range);
    if (next === null) return toPage(read, messages, after === undefined, limit);
    range = next;
  }
  throw new PlexusError("internal", "the channel's history is damaged");
}

type Bounds = Pick<HistoryRange, "before" | "after">;

async function readPage(
  router: Router,
  tenant: string,
  channel: string,
  { before, after }: Bounds,
  limit: number,
): Promise<ReadAnswer> {
  let range: ReadRange = { limit, ...(before === undefined ? {} : { before }) };
  if (after !== undefined) range = { limit, after, orOldest: true };
  for (let n = 0; n < MAX_TRIMMED; n++) {
    const answer = await router.ask("read", tenant, channel, range);
    if (answer.state !== "trimmed") return answer;
    range = { ...range, after: answer.oldest - 1 };
  }
  throw new PlexusError("unavailable", "what is oldest goes before it can be read", { retry: 100 });
}

/** Where to read on behind records that nobody can read; null where there is nothing more. */
function beyond({ records, head, oldest }: ReadAnswer, { after }: Bounds): Bounds | null {
  const unreadable = after === undefined ? records[0] : records.at(-1);
  const end = unreadable === undefined ? null : readHead(unreadable);
  if (end === null) return null;
  const last = end.seq + end.n - 1;
  if (after === undefined) return end.seq > Math.max(1, oldest) ? { before: end.seq } : null;
  return last < head.seq ? { after: last } : null;
}

function toPage(
  read: ReadAnswer,
  messages: HistoryMessage[],
  backwards: boolean,
  limit: number,
): HistoryPage {
  const page = backwards ? messages.slice(-limit) : messages.slice(0, limit);
  const [first, last] = [page[0]?.seq, page.at(-1)?.seq];
  const more = backwards
    ? first !== undefined && first > Math.max(1, read.oldest)
    : last !== undefined && last < read.head.seq;
  return { epoch: read.head.epoch, messages: page, more };
}

function expand(bytes: Uint8Array): HistoryMessage[] {
  // One that nobody can read was not written by Plexus: its seqs are left out.
  const { seq, m } = tryDecodeRecord(bytes) ?? { seq: 0, m: [] };
  return m.map((message, i) => ({ seq: seq + i, ...message }));
}

function within(seq: number, before: number | undefined, after: number | undefined): boolean {
  return (before === undefined || seq < before) && (after === undefined || seq > after);
}

export interface MembersRead {
  version: PresenceVersion;
  members: Member[];
  /** The cell's Redis is away, so some may be missing. */
  stale: boolean;
}

/** Far more pages than the largest list has, even if it is begun anew now and then. */
const MAX_PAGES = 1_000;

/** Reads a channel's member list from its actor, page by page. */
export async function readMembers(router: Router, tenant: string, channel: string): Promise<MembersRead> {
  let page: PresencePage = { at: null, from: 0 };
  let members = new Map<string, Member>();
  for (let n = 0; n < MAX_PAGES; n++) {
    const answer: PresenceSnapshot = await router.ask("presence", tenant, channel, page);
    const { version, next, stale } = answer;
    // Another version: the actor could not go on with the list it had begun, and began anew.
    const continues = page.at !== null && page.at[0] === version[0] && page.at[1] === version[1];
    if (!continues) members = new Map();
    // By connection: it may have begun the very same list anew, after somebody else had read it to the end.
    for (const member of answer.members) members.set(member.conn, member);
    if (next === null) return { version, members: [...members.values()], stale };
    page = { at: version, from: next };
  }
  throw new PlexusError("unavailable", "the list of members kept changing", { retry: 1_000 });
}
