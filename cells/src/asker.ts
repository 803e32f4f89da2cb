import type { WireTraces } from "@plexus/runtime";

/** Where an answer goes: the subject and the asker's correlation; and when the command came, by the monotonic clock. */
export interface Asker {
  readonly reply: string;
  readonly correlation: number;
  readonly at: number;
  /** Of a batch of publishes those that are traced; left out where none is. */
  readonly traces?: WireTraces;
}
