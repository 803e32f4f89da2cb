/**
 * What is asked of a channel's actor, and how it travels: a batch of commands for one partition is one NATS
 * message, answered on the asker's own subject in batches of whatever is ready. MessagePack, arrays instead of
 * maps, since this is the busiest wire.
 *
 * Every command may be sent twice: publishes carry ids, the rest change nothing or say how things are.
 */

import type { ErrorCode, Member, Position } from "@plexus/protocol";
// Without its native part, which makes one string of many and cuts them out of it: an id that is kept would keep all of it.
import { Packr } from "msgpackr/pack";

/** A message on its way to the log. */
export interface PublishItem {
  readonly id: string;
  readonly user: string;
  /** As it will stand in the record; see `record.ts`. */
  readonly fragment: string;
  /** Of the fragment. */
  readonly bytes: number;
  /** The publisher chose the id. */
  readonly given: boolean;
}
/** An id by which messages are known again, from the one at `index` up to that of the next id. */
export type PublishId = readonly [index: number, id: string, user: string, given: boolean];
/**
 * Messages of one channel: their fragments, joined by commas, the bytes of each, and their ids. An id that a gateway made
 * comes again only with the batch that it came with, so the first of those that follow each other stands for all of them.
 */
export type PublishBatch = readonly [
  fragments: Uint8Array,
  lengths: readonly number[],
  ids: readonly PublishId[],
];
/** Where a message went: its seq, its time, and whether it was there already. */
export type PublishedItem = readonly [seq: number, ts: number, dup: boolean];
/** Where the messages of a batch went: one after the other from `seq` on, unless `items` says otherwise. */
export type PublishAnswer = readonly [
  epoch: string,
  seq: number,
  ts: number,
  items?: readonly PublishedItem[],
];

/** Where one message of a batch went. */
export function publishedAt([, seq, ts, items]: PublishAnswer, index: number): PublishedItem {
  return items?.[index] ?? [seq + index, ts, false];
}

export interface ReadRange {
  /** Bring what lies after this seq … */
  after?: number;
  /** … or before this one, the nearest. Neither: the newest. */
  before?: number;
  /**
   * Where retention took what lies after `after`, begin with the oldest there is: by the next question that may be gone as
   * well. `trimmed` where there is nothing, or from a worker that does not know this yet.
   */
  orOldest?: true;
  /** Give up with `unknown` unless this is the channel's epoch. */
  epoch?: string;
  /** At most so many messages (whole records, so it may be a few more). */
  limit: number;
}

export interface ReadAnswer {
  /** The channel's position at the time of the answer. */
  head: Position;
  /** `ok`; `unknown`: another epoch, or after the head; `trimmed`: retention took what was asked for. */
  state: "ok" | "unknown" | "trimmed";
  /** Consecutive records as they are stored. They may begin before and end after what was asked for. */
  records: Uint8Array[];
  /** The oldest seq that can still be read. */
  oldest: number;
}

/** The presence version of a channel: one life of its actor, and the number of the last event in it. */
export type PresenceVersion = readonly [life: string, event: number];

export interface PresenceChange {
  gateway: string;
  /** Members that are (still) here, with their present state. */
  put: Member[];
  /** Connections that left. */
  del: string[];
  /** Write `put` to Redis even where nothing changed: it may have been emptied. */
  refresh: boolean;
  /** All connections that this gateway has in the channel; whatever else it had is gone. */
  all: string[] | null;
  /** Whoever is here already keeps the time since when: the asker does not remember it. */
  keepSince?: boolean;
}

/** A page of the members as they were at one version; `at` and `from` of the page before bring the next. */
export interface PresencePage {
  at: PresenceVersion | null;
  from: number;
}

export interface PresenceSnapshot {
  version: PresenceVersion;
  members: Member[];
  /** Where the next page begins; null on the last. */
  next: number | null;
  /** The cell's Redis is away: members of gateways unknown to this actor may be missing. */
  stale: boolean;
}

export interface HeadAnswer {
  head: Position;
  presence: PresenceVersion | null;
  /** How many members the asking gateway has in the channel, as far as the actor knows. */
  members: number;
}

/** A {@link HeadAnswer} where there are many. */
export type HeadItem = readonly [
  epoch: string,
  seq: number,
  presence: PresenceVersion | null,
  members: number,
];
/** In the order of the question; null for a channel of which it could not be said: that has to be asked alone. */
export interface HeadsAnswer {
  heads: Array<HeadItem | null>;
}

/** One stretch of a channel's past in one cell's log: seqs `first` to `last`, between two log sequences. */
export interface Segment {
  cell: string;
  first: number;
  last: number;
  low: number;
  high: number;
}

/** What a cell that gives a channel up tells the one that takes it over. */
export interface Handover {
  /** The channel's position when it was sealed. */
  position: Position;
  /** Where the channel's messages are, oldest first. */
  segments: Segment[];
  /** Nothing was ever written to the channel there. */
  fresh: boolean;
  /**
   * The ids of the idempotency window, oldest first; of made ones perhaps only those that gateways may still repeat.
   * null where they are too many: they are in the log.
   */
  ids: Array<[id: string, user: string, seq: number, ts: number]> | null;
  /** When the newest message was stored, at the latest. */
  newestAt: number;
  /** The newest records. */
  tail: Uint8Array[];
}

/**
 * `elsewhere`: the channel was given to that cell before; ask there. The hand-over is what was given away: it counts
 * if nobody there ever opened the channel.
 */
export interface ReleaseAnswer {
  elsewhere: string | null;
  handover: Handover;
}

/** kind → what is asked, and what is answered. */
export interface Commands {
  publish: { ask: PublishBatch; answer: PublishAnswer };
  read: { ask: ReadRange; answer: ReadAnswer };
  head: { ask: { gateway: string }; answer: HeadAnswer };
  /** The same of several channels of one partition, one of which the command is addressed to. */
  heads: { ask: { gateway: string; keys: string[] }; answer: HeadsAnswer };
  members: { ask: PresenceChange; answer: null };
  presence: { ask: PresencePage; answer: PresenceSnapshot };
  /** Within a cell: remove what retention no longer keeps, though nothing was written. */
  trim: { ask: null; answer: null };
  /** Between cells: seal the channel, and hand it over to the cell `to`. */
  release: { ask: { to: string }; answer: ReleaseAnswer };
  /** Between cells: a page of the members that a channel had when it was sealed. */
  members_left: { ask: PresencePage; answer: PresenceSnapshot };
}
export type CommandKind = keyof Commands;

/** Of a batch of publishes those that are traced: which one, and the `traceparent` under which it goes on. */
export type WireTraces = ReadonlyArray<readonly [index: number, traceparent: string]>;

export type WireCommand<K extends CommandKind = CommandKind> = {
  [P in K]: readonly [
    correlation: number,
    kind: P,
    tenant: string,
    channel: string,
    body: Commands[P]["ask"],
    /** Left out, not empty, where nothing is traced. */
    traces?: WireTraces,
  ];
}[K];

/** `moved`: this worker or cell is not (or no longer) home to the channel; look again and ask there. */
export type WireErrorCode = ErrorCode | "moved";
/** `unsure`: what was asked may have been carried out all the same. */
export type WireError = readonly [
  code: WireErrorCode,
  message: string,
  retryMs: number | null,
  unsure?: boolean,
];
export type WireAnswer = readonly [correlation: number, error: WireError | null, body: unknown];

const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

export const encodeCommands = (commands: readonly WireCommand[]): Uint8Array => packr.pack(commands);
export const decodeCommands = (bytes: Uint8Array): WireCommand[] => packr.unpack(bytes);
export const encodeAnswers = (answers: readonly WireAnswer[]): Uint8Array => packr.pack(answers);
export const decodeAnswers = (bytes: Uint8Array): WireAnswer[] => packr.unpack(bytes);
