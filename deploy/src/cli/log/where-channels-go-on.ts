/**
 * Where each channel goes on after a cell's log was restored to an older state; pure.
 *
 * Clients and other cells know positions that the restored log does not. If a channel went on from it as if nothing
 * had happened, the seqs that were lost would be given again, and one position would name two messages. So whatever
 * may have been written to here after the backup is opened in a new epoch, with the past that is still there; and
 * what lives in another cell by now is sealed.
 */
import type { OpenRecord, RecordHead, RecordSegment, SealRecord } from "@plexus/protocol";

/** As in cells: what is older counts as trimmed. */
const MAX_SEGMENTS = 64;
/** A channel that was given on and on is followed so far. */
const MAX_HOPS = 8;

/** A channel's newest record in a cell's log. */
export interface Newest {
  readonly head: RecordHead;
  readonly logSeq: number;
  readonly storedAt: number;
  /** Log sequence of the record that began the stretch; 0 if none did. */
  readonly opened: number;
  /** Where it is a control record. */
  readonly control: SealRecord | OpenRecord | null;
}

export interface ChannelInLogs {
  readonly cell: string;
  /** The last log sequence that was restored. */
  readonly restoredTo: number;
  /** In the restored log, with the record that began the stretch, if one did. */
  readonly own: { readonly newest: Newest; readonly open: OpenRecord | null } | null;
  /** In the logs of the other cells. */
  readonly others: ReadonlyMap<string, Newest>;
}

/** The next seq, and where the messages before it are. */
export interface Past {
  readonly seq: number;
  readonly segments: readonly RecordSegment[];
}

export type GoingOn =
  /** It was given away before the backup, and did not come back. */
  | { readonly do: "keep" }
  /** It has moved since the backup. */
  | { readonly do: "seal"; readonly to: string; readonly epoch: string; readonly past: Past }
  | { readonly do: "open"; readonly past: Past };

const KEEP: GoingOn = { do: "keep" };

export function whereItGoesOn(channel: ChannelInLogs): GoingOn {
  const { own, others } = channel;
  const ownSeal = own === null ? null : sealOf(own.newest);
  const livesIn = [...others].find(([, newest]) => sealOf(newest) === null)?.[0];
  if (livesIn !== undefined) {
    if (own === null || ownSeal !== null) return KEEP;
    return { do: "seal", to: livesIn, epoch: own.newest.head.epoch, past: pastOf(channel)! };
  }
  if (ownSeal !== null) {
    const back = cameBack(channel, ownSeal);
    return back === null ? KEEP : { do: "open", past: later(channel, back) };
  }
  const given = newestGivenHere(channel);
  if (own === null && given === null) return KEEP;
  return { do: "open", past: given === null ? pastOf(channel)! : later(channel, given) };
}

function sealOf({ head, control }: Newest): SealRecord | null {
  return head.op === "seal" ? (control as SealRecord) : null;
}

/** Follows the seals from this cell's own: the one that gave the channel back here, if there is one. */
function cameBack({ cell, others }: ChannelInLogs, ownSeal: SealRecord): Newest | null {
  let at = ownSeal.to;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const newest = others.get(at);
    const seal = newest === undefined ? null : sealOf(newest);
    if (seal === null) return null; // on its way to a cell that has not opened it yet
    if (seal.to === cell) return newest!;
    at = seal.to;
  }
  return null;
}

/** The newest seal of another cell that gave the channel to this one. */
function newestGivenHere({ cell, others }: ChannelInLogs): Newest | null {
  const given = [...others.values()].filter((newest) => sealOf(newest)?.to === cell);
  return given.sort((a, b) => b.storedAt - a.storedAt)[0] ?? null;
}

/** What another cell's seal says, or this cell's own log, whichever is further. */
function later(channel: ChannelInLogs, given: Newest): Past {
  const own = pastOf(channel);
  const { fresh, epoch, seq, segments } = sealOf(given)!;
  if (fresh) return own ?? { seq: 1, segments: [] };
  const past = { seq, segments: complete(channel, segments) };
  if (own === null) return past;
  const { head, storedAt } = channel.own!.newest;
  const further = head.epoch === epoch ? seq >= own.seq : given.storedAt > storedAt;
  return further ? past : own;
}

/** The past as this cell's own log has it. */
function pastOf({ cell, own }: ChannelInLogs): Past | null {
  if (own === null) return null;
  const { newest, open } = own;
  const seal = sealOf(newest);
  if (seal !== null) return { seq: seal.seq, segments: seal.segments };
  const seq = newest.head.seq + newest.head.n;
  const first = open?.seq ?? 1;
  const before = open?.segments ?? [];
  if (seq === first) return { seq, segments: before };
  const low = Math.max(1, newest.head.op === "open" ? newest.logSeq : newest.opened);
  const stretch = { cell, first, last: seq - 1, low, high: newest.logSeq };
  return { seq, segments: [...before, stretch].slice(-MAX_SEGMENTS) };
}

/** A stretch of this cell that was lost leaves a hole: what lies before that counts as trimmed. */
function complete({ cell, restoredTo }: ChannelInLogs, segments: readonly RecordSegment[]): RecordSegment[] {
  const lost = segments.findLastIndex((segment) => segment.cell === cell && segment.high > restoredTo);
  return segments.slice(lost + 1).slice(-MAX_SEGMENTS);
}
