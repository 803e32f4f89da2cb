/** What a bot works with. */
import type { HistoryMessage, Message, Position } from "@plexus/protocol";

/** A message, and where it stands. */
export interface BotMessage extends Omit<Message, "conn"> {
  readonly channel: string;
  readonly epoch: string;
  readonly seq: number;
  readonly conn?: string;
}

export interface Published {
  readonly epoch: string;
  readonly seq: number;
  /** Milliseconds since 1970, for display. */
  readonly ts: number;
  /** It was stored before, and this is where. */
  readonly dup?: true;
}

export interface HistoryRange {
  /** What lies before this seq … */
  before?: number;
  /** … or after this one, not both. Neither: the newest. */
  after?: number;
  /** 50; 1,000 at most. */
  limit?: number;
}

export interface HistoryPage {
  readonly epoch: string;
  /** In ascending order of seq. */
  readonly messages: HistoryMessage[];
  /** There is more in the direction that was asked for. */
  readonly more: boolean;
}

/** A subscription could not go on from where it stood. What lies between is not delivered. */
export interface Reset {
  /** `epoch`: the channel goes on in another one; `trimmed`: retention took what was to come next. */
  readonly reason: "epoch" | "trimmed";
  readonly from: Position;
  /** The next message is the one behind this. */
  readonly to: Position;
}
