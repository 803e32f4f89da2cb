/**
 * The log port: what an actor needs of its cell's durable log. `jetstream-log.ts` is the implementation.
 */
import type { RecordHead } from "@plexus/protocol";

export interface StoredRecord {
  /** Sequence in the log (of the whole stream, not of the channel). */
  readonly logSeq: number;
  /** When the log stored it, milliseconds since 1970. */
  readonly storedAt: number;
  readonly bytes: Uint8Array;
  readonly head: RecordHead;
  /** Log sequence of the record that opened the channel in this log; 0 where it began its life here. */
  readonly opened: number;
  /** Log sequence of the subject's record before this one: what its append was fenced by. 0 where there is none, or it is not known. */
  readonly previous: number;
}

export type AppendOutcome =
  | { stored: true; logSeq: number }
  /** `fence`: another record came in between. `unknown`: no answer in time. `refused`: not stored, for good. */
  | { stored: false; why: "fence" | "unknown" | "refused"; message: string };

export interface Append {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly fence: number;
  /** See {@link StoredRecord.opened}. */
  readonly opened: number;
  /** Goes along as a header to whoever sees the record; only where it is traced. */
  readonly traceparent?: string;
}

export interface ChannelLog {
  /** Names one life of the stream: the epoch of channels that were never written to. */
  readonly incarnation: string;

  /**
   * Appends a record if the subject's newest one has the log sequence `fence` (0: there is none yet). `done` is
   * called exactly once, within the append deadline, and in a later turn.
   */
  append(append: Append, done: (outcome: AppendOutcome) => void): void;

  /** The newest record of a subject. Rejects with `unavailable` if the log does not answer. */
  last(subject: string): Promise<StoredRecord | null>;

  /** The first record of a subject at or after a log sequence. */
  next(subject: string, logSeq: number): Promise<StoredRecord | null>;

  /** Tells of every subject that holds a record, and whether its newest one is a seal: in one go, at low cost. */
  newest(tell: (subject: string, isSeal: boolean) => void): Promise<void>;

  /** Consecutive records of a subject from a log sequence or a time on, until one of the bounds is met. */
  read(
    subject: string,
    from: { logSeq: number } | { storedAt: number },
    bounds: { records: number; bytes: number },
  ): Promise<StoredRecord[]>;

  /** Removes the subject's records below a log sequence. */
  trim(subject: string, belowLogSeq: number): Promise<void>;
}
