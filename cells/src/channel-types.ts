/** What goes into a channel and comes out of it; see `channel.ts`. */
import type { Position } from "@plexus/protocol";
import type {
  PublishAnswer,
  ReleaseAnswer,
  Segment,
  TailBytes,
  TailRecord,
  WireError,
} from "@plexus/runtime";
import type { StoredRecord } from "./log.js";
import type { IdCount } from "./window.js";

export interface ChannelBounds {
  mailboxMessages: number;
  mailboxBytes: number;
  recordMessages: number;
  recordBytes: number;
  tailRecords: number;
  tailBytes: number;
  windowIds: number;
}

export const CHANNEL_BOUNDS: ChannelBounds = {
  mailboxMessages: 20_000,
  mailboxBytes: 8 * 1024 * 1024,
  recordMessages: 4_000,
  // Half of the broker's 1 MB, so that one batch always fits and an answer can carry a record.
  recordBytes: 480 * 1024,
  tailRecords: 256,
  tailBytes: 256 * 1024,
  windowIds: 1_000_000,
};

/** What the channels of a worker hold in memory together; each takes its part away when it is closed. */
export interface Held {
  readonly tails: TailBytes;
  readonly madeIds: IdCount;
}

export const nothingHeld = (): Held => ({ tails: { bytes: 0 }, madeIds: { ids: 0 } });

const FULL_RETRY_MS = 200;
export const MAILBOX_FULL: WireError = ["rate_limited", "the channel's mailbox is full", FULL_RETRY_MS];
export const WINDOW_FULL: WireError = ["rate_limited", "the idempotency window is full", FULL_RETRY_MS * 10];

/** An id of the idempotency window, and where its message is. */
export interface StoredId {
  id: string;
  user: string;
  seq: number;
  ts: number;
}

/** What the log says about the channel. */
export interface LoadedChannel {
  position: Position;
  /** Log sequence of the newest record; 0 if there is none. */
  fence: number;
  /** That record, as the log gave it when it was asked. */
  newest: StoredRecord | null;
  /** Nothing was ever written to the channel in this log, but perhaps a seal. */
  fresh: boolean;
  /** Ids stored within the window, oldest first; null: they are in the log, to be read before the next publish. */
  ids: StoredId[] | null;
  /** When the newest message was stored, at the latest; milliseconds since 1970, 0 if there is none. */
  newestAt: number;
  /** Where the messages are that came before this log's present stretch, oldest first. */
  segments: Segment[];
  /** The present stretch: its first seq, and the log sequence of the record that opened it (0: none did). */
  stretch: { first: number; opened: number };
  /** When that was stored, milliseconds since 1970; 0: none was. */
  openedAt: number;
  /** The cell that the channel was given to, if its newest record is a seal. */
  sealedTo: string | null;
  /** The newest records, where they are at hand. */
  tail: TailRecord[];
}

/** A batch that a record takes, and the answer to it. */
export interface TakenBatch<To> {
  readonly to: To;
  readonly messages: number;
  readonly answer: PublishAnswer;
}

export type ChannelEffect<To> =
  /** `taken`: the batches that this record takes out of the mailbox; none where it is offered again. */
  | { do: "append"; bytes: Uint8Array; fence: number; opened: number; taken: readonly TakenBatch<To>[] }
  | { do: "load" }
  /** Read the ids of the window from the log; `newest`: the log's newest record, where it is at hand. */
  | { do: "window"; newest: StoredRecord | null }
  | ({ do: "answer" } & TakenBatch<To>)
  | { do: "release"; to: To; answer: ReleaseAnswer }
  | { do: "refuse"; to: To; error: WireError }
  /** The actor is done for: whatever comes now must be asked of a new one. */
  | { do: "close" };

export type ChannelState = "cold" | "absent" | "idle" | "appending" | "verifying" | "sealed" | "closed";
