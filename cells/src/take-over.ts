/**
 * Taking a channel over from the cell where it lived before.
 *
 * The old home seals its log for this channel with a last fenced record and answers with all that an actor
 * knows. Then the new home opens its own log with a record that points back, and goes on with the next seq in
 * the same epoch. Both steps may be repeated by anybody at any time: the seal and the open record hold all
 * that is needed, and the fences let each happen once.
 *
 * A cell that was given up does not answer. If its log still does, this side seals it, and nothing is lost or
 * unproven. If it is gone as well, and not only for a moment, the channel begins a new epoch, which tells every
 * subscriber so.
 */
import { decodeControl, encodeControl, PlexusError, readHead, type SealRecord } from "@plexus/protocol";
import type { CellState, Handover, ReleaseAnswer } from "@plexus/runtime";
import type { LoadedChannel } from "./channel.js";
import { type ChannelLogs, isOld } from "./loader.js";
import type { AppendOutcome, ChannelLog } from "./log.js";
import { sealAfter } from "./seal.js";

/** A channel that was handed on and on is followed so far. */
const MAX_HOPS = 8;
const MAX_SEAL_ATTEMPTS = 5;
/** Stretches of a past that are remembered; what is older counts as trimmed. */
const MAX_SEGMENTS = 64;

export interface TakeOverContext {
  readonly channel: string;
  readonly logs: ChannelLogs;
  stateOf(cell: string): CellState | undefined;
  /** Asks the channel's actor in another cell to seal and hand over. */
  release(cell: string): Promise<ReleaseAnswer>;
  /** Whether the log of a cell that was given up, which could not be reached just now, counts as gone with it. */
  isGone(cell: string): Promise<boolean>;
  /** The log of a cell that was given up holds a seal, or has compared one with what it holds: it is there. */
  logAnswered(cell: string): void;
  /** Whether the channel is still at home here, as far as is known. */
  isHome(): boolean;
  newEpoch(): string;
}

/** A hand-over, and the cell that it comes from; `lost` where that cell can't be asked any more. */
interface Found {
  readonly cell: string;
  readonly handover: Handover | "lost";
}

/**
 * Opens the channel in this cell's log. `own` is what this log says about it (nothing, or a seal), `from` the
 * cells where it may be, most likely first. Rejects with `unavailable` if it can't be had now.
 */
export async function takeOver(
  context: TakeOverContext,
  own: LoadedChannel,
  from: readonly string[],
  now: number,
): Promise<{ loaded: LoadedChannel; from: string | null }> {
  const found = await findHandover(context, own, from);
  const { handover } = found;
  if (handover === "lost") {
    const lost = { ...own, position: { epoch: context.newEpoch(), seq: 0 }, segments: [], ids: [], tail: [] };
    return { loaded: await open(context, lost, null), from: null };
  }
  const self = found.cell === context.logs.cell;
  const taken: LoadedChannel = self
    ? own
    : {
        ...own,
        position: handover.position,
        segments: handover.segments,
        ids: idsOf(handover, now),
        newestAt: handover.newestAt,
        tail: handover.tail.map((bytes) => ({ ...readHead(bytes)!, bytes, at: now })),
      };
  return { loaded: await open(context, taken, found.cell), from: self ? null : found.cell };
}

/**
 * Where the channel is: at one of its previous homes, or at the end of the chain of seals that begins in this
 * cell's own log. Only where all of them can be asked and none has it was it never written to.
 */
async function findHandover(
  context: TakeOverContext,
  own: LoadedChannel,
  from: readonly string[],
): Promise<Found> {
  const self: Found = { cell: context.logs.cell, handover: ownHandover(own) };
  let lost: Found | undefined;
  let fresh: Found | undefined;
  // Given away before it was opened here: who gave it to this cell may not have heard.
  const first = own.sealedTo !== null && own.fresh ? [own.sealedTo] : [];
  for (const cell of new Set([...first, ...from])) {
    const found = await follow(context, self, cell);
    if (found.handover === "lost") lost ??= found;
    else if (found.handover.fresh) fresh = found;
    // What is no newer than this cell's own seal is of an earlier stay.
    else if (own.fresh || compare(found.handover, self.handover as Handover) === "newer") return found;
  }
  if (own.sealedTo !== null && !own.fresh) return follow(context, self, own.sealedTo, self);
  return lost ?? fresh ?? self;
}

/**
 * Follows the seals from cell to cell to the one that holds the channel. A cell that it was given to and that never
 * opened it holds nothing; then what was handed to it counts. So it is with a cell whose seal is of an earlier stay:
 * that says no more than what is known.
 */
async function follow(context: TakeOverContext, self: Found, cell: string, from?: Found): Promise<Found> {
  let known = from;
  const seen = new Set<string>();
  let at = cell;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    if (at === self.cell) return known ?? self;
    seen.add(at);
    const answer = await ask(context, at);
    if (answer === "lost") return { cell: at, handover: "lost" };
    let { elsewhere } = answer;
    const found: Found = { cell: at, handover: answer.handover };
    const age = known === undefined ? "newer" : compare(answer.handover, known.handover as Handover);
    const ends = age === "older" || elsewhere === null || seen.has(elsewhere);
    if (known !== undefined && age !== "newer" && ends) {
      elsewhere = await bar(context, at, known.handover as Handover, seen);
      if (elsewhere === null) return age === "same" ? found : known;
    } else if (!answer.handover.fresh) known = found;
    if (elsewhere === null) return known ?? found;
    if (known === undefined && seen.has(elsewhere)) {
      // Given from one to the other, and never opened: nobody else must do so now.
      for (const passed of seen) await bar(context, passed, answer.handover, seen);
      return found;
    }
    at = elsewhere;
  }
  throw new PlexusError("unavailable", "the channel keeps moving", { retry: 500 });
}

/** Positions of two epochs can't be compared: the one that was asked for last counts then. */
function compare(found: Handover, known: Handover): "newer" | "same" | "older" {
  if (found.fresh) return "older";
  if (found.position.epoch !== known.position.epoch || found.position.seq > known.position.seq)
    return "newer";
  return found.position.seq === known.position.seq ? "same" : "older";
}

/**
 * The newest record of a cell is a seal of an earlier stay, so the channel may be about to be opened there, by
 * somebody who was given it later. Another seal that says what is known forestalls that, by its fence. Returns the
 * cell that the channel was given to in the meantime, if it was, and that cell is none of those already seen.
 */
async function bar(
  context: TakeOverContext,
  cell: string,
  known: Handover,
  seen: ReadonlySet<string>,
): Promise<string | null> {
  const { logs, channel, stateOf } = context;
  // Whoever is drained is nobody's home, and may be switched off.
  if (stateOf(cell) === "drained") return null;
  const log = await logs.of(cell);
  const subject = logs.subject(cell);
  const last = await log.last(subject);
  if (last?.head.op !== "seal")
    throw new PlexusError("unavailable", "the channel was opened again", { retry: 100 });
  const seal = decodeControl(last.bytes) as SealRecord;
  const { position, segments } = known;
  const says = compare(
    { ...known, position: { epoch: seal.epoch, seq: seal.seq - 1 }, fresh: seal.fresh },
    known,
  );
  if (says === "newer")
    throw new PlexusError("unavailable", "the channel was there in the meantime", { retry: 100 });
  if (says === "same" && seal.to !== logs.cell && !seen.has(seal.to)) return seal.to;
  const head = { op: "seal", ch: channel, epoch: position.epoch, seq: position.seq + 1, n: 0 } as const;
  const bytes = encodeControl({ ...head, to: logs.cell, fresh: known.fresh, segments });
  const outcome = await append(log, { subject, bytes, fence: last.logSeq, opened: 0 });
  if (outcome.stored) return null;
  throw new PlexusError("unavailable", "the channel could not be held back there yet", { retry: 100 });
}

async function ask(context: TakeOverContext, cell: string): Promise<ReleaseAnswer | "lost"> {
  const state = context.stateOf(cell);
  if (state !== "down" && state !== undefined) {
    try {
      return await context.release(cell);
    } catch (error) {
      // A drained cell may be switched off; what it sealed can still be read where its log can.
      if (state !== "drained") throw error;
    }
  }
  try {
    return await sealFromOutside(context, cell, state === "down");
  } catch (error) {
    if (state === undefined || (state === "down" && (await context.isGone(cell)))) return "lost";
    throw error;
  }
}

/** Reads the seal in the log of a cell whose workers do not answer, or (if it was given up) writes it. */
async function sealFromOutside(
  context: TakeOverContext,
  cell: string,
  maySeal: boolean,
): Promise<ReleaseAnswer> {
  const { logs, channel, logAnswered } = context;
  const log = await logs.of(cell);
  const subject = logs.subject(cell);
  for (let attempt = 0; attempt < MAX_SEAL_ATTEMPTS; attempt++) {
    const last = await log.last(subject);
    if (last?.head.op === "seal") {
      logAnswered(cell);
      return answerFrom(decodeControl(last.bytes) as SealRecord, logs.cell, last.storedAt);
    }
    if (!maySeal) break;
    const seal = await sealAfter(log, cell, subject, last);
    const bytes = encodeControl({ ...seal, op: "seal", ch: channel, n: 0, to: logs.cell });
    const outcome = await append(log, { subject, bytes, fence: last?.logSeq ?? 0, opened: 0 });
    // That it could be read proves nothing: a mirror may have answered. Nor is every refusal the log's own.
    if (outcome.stored || outcome.why === "fence") logAnswered(cell);
  }
  throw new PlexusError("unavailable", "the channel's previous home does not answer", { retry: 1_000 });
}

function answerFrom(seal: SealRecord, asker: string, newestAt: number): ReleaseAnswer {
  const { epoch, seq, fresh, segments, to } = seal;
  const position = { epoch, seq: seq - 1 };
  const handover = { position, segments, fresh, ids: null, newestAt, tail: [] };
  return { elsewhere: to === asker ? null : to, handover };
}

function ownHandover({ position, segments, fresh, newestAt }: LoadedChannel): Handover {
  return { position, segments, fresh, ids: null, newestAt, tail: [] };
}

function idsOf({ ids, newestAt }: Handover, now: number): LoadedChannel["ids"] {
  if (ids !== null) return ids.map(([id, user, seq, ts]) => ({ id, user, seq, ts }));
  return isOld(newestAt, now) ? [] : null;
}

/** Writes the record that opens the channel here. */
async function open(
  context: TakeOverContext,
  taken: LoadedChannel,
  from: string | null,
): Promise<LoadedChannel> {
  const { logs, channel } = context;
  const { position } = taken;
  // Found after its home has changed once more, it is for the new home to open.
  if (!context.isHome()) throw new PlexusError("unavailable", "the channel has moved on", { retry: 100 });
  const segments = taken.segments.slice(-MAX_SEGMENTS);
  const bytes = encodeControl({
    op: "open",
    ch: channel,
    epoch: position.epoch,
    seq: position.seq + 1,
    n: 0,
    from,
    segments,
  });
  const subject = logs.subject(logs.cell);
  const outcome = await append(logs.own, { subject, bytes, fence: taken.fence, opened: 0 });
  if (!outcome.stored)
    throw new PlexusError("unavailable", "the channel could not be opened here yet", { retry: 100 });
  return {
    ...taken,
    segments,
    fence: outcome.logSeq,
    fresh: false,
    stretch: { first: position.seq + 1, opened: outcome.logSeq },
    sealedTo: null,
  };
}

function append(log: ChannelLog, record: Parameters<ChannelLog["append"]>[0]): Promise<AppendOutcome> {
  return new Promise((resolve) => log.append(record, resolve));
}
