/**
 * What one channel has received: the pure core of ordered, gap-free delivery. It looks at every frame that
 * brings messages and says what of it is new. No sockets, no clock.
 *
 * Invariant: between two resets, the messages handed out have strictly consecutive seqs in one epoch, but for those that
 * the gateway has named as skipped.
 */
import type { Message, MsgFrame, Position, SkippedFrame } from "@plexus/protocol";

/** A message as the application gets it. */
export interface ChannelMessage extends Message {
  /** The channel it came on. */
  readonly channel: string;
  readonly epoch: string;
  readonly seq: number;
}

/** Continuity ended: what lies between `from` and `to` may be missing here. */
export interface Reset {
  /** Where this subscriber was; null if it had received nothing yet. */
  readonly from: Position | null;
  /** Where live messages go on: the next one is `to.seq + 1`. */
  readonly to: Position;
}

/** What a `sub` asks for, so that the answer can be understood. */
export interface Request {
  since?: Position;
  rewind?: number;
}

export type Verdict =
  | { readonly kind: "messages"; readonly messages: readonly ChannelMessage[] }
  /** Everything in it was handed out already. */
  | { readonly kind: "duplicate" }
  /** Something lies between the position and this frame: nothing of it may be handed out. */
  | { readonly kind: "gap" };

const DUPLICATE: Verdict = { kind: "duplicate" };
const GAP: Verdict = { kind: "gap" };

export class Reception {
  #position: Position | null = null;
  /**
   * Set while a rewind is on its way: how many messages were asked for. Retention decides where they begin, so
   * the first frame up to `position.seq + 1` sets the start.
   */
  #rewinding: number | undefined;

  /** The last message handed out (or where live began); null before the first subscription. */
  get position(): Position | null {
    return this.#position;
  }

  /** What to ask for in order to go on from here; `initial` where there is nothing to go on from. */
  resume(initial: Request): Request {
    if (this.#position === null) return initial;
    // Nothing of the rewind has come: asking for the position instead would lose it.
    if (this.#rewinding !== undefined) return { rewind: this.#rewinding };
    return { since: this.#position };
  }

  /** Takes the answer to a `sub`. Returns the reset where continuity ended. */
  subscribed(asked: Request, answer: Position & { recovered: boolean }): Reset | null {
    const to = { epoch: answer.epoch, seq: answer.seq };
    if (asked.since !== undefined && (answer.recovered || this.#covers(asked.since, to))) {
      // Another connection may have brought us further since we asked: keep what is further.
      this.#position ??= asked.since;
      return null;
    }
    const from = this.#rewinding === undefined ? (this.#position ?? asked.since ?? null) : null;
    this.#position = to;
    this.#rewinding = asked.rewind;
    return from === null ? null : { from, to };
  }

  /**
   * Live goes on at `to`, and everything up to there was handed out: nothing is missing. A head before what was
   * asked for is no such case: that log is not the one we know.
   */
  #covers(since: Position, to: Position): boolean {
    const position = this.#position ?? since;
    const sameLife = to.epoch === position.epoch && to.epoch === since.epoch;
    return sameLife && since.seq <= to.seq && to.seq <= position.seq;
  }

  /** Takes an unsolicited `reset` frame. */
  reset(to: Position): Reset {
    const from = this.#position;
    this.#position = { epoch: to.epoch, seq: to.seq };
    this.#rewinding = undefined;
    return { from, to: this.#position };
  }

  /** Takes an unsolicited `skipped` frame. Returns how many messages it left out, 0 where it does not follow. */
  skipped({ epoch, seq, n }: Pick<SkippedFrame, "epoch" | "seq" | "n">): number {
    const position = this.#position;
    if (position === null || epoch !== position.epoch || seq > position.seq + 1) return 0;
    const last = seq + n - 1;
    if (last <= position.seq) return 0;
    const missed = last - position.seq;
    this.#position = { epoch, seq: last };
    return missed;
  }

  accept(frame: MsgFrame): Verdict {
    const position = this.#position;
    if (position === null || frame.epoch !== position.epoch) return GAP;
    const last = frame.seq + frame.m.length - 1;
    if (this.#rewinding !== undefined && frame.seq <= position.seq + 1) {
      this.#rewinding = undefined;
      return this.#take(frame, 0, last);
    }
    if (last <= position.seq) return DUPLICATE;
    if (frame.seq > position.seq + 1) return GAP;
    return this.#take(frame, position.seq + 1 - frame.seq, last);
  }

  #take(frame: MsgFrame, from: number, last: number): Verdict {
    const { ch: channel, epoch } = frame;
    this.#position = { epoch, seq: last };
    const fresh = from === 0 ? frame.m : frame.m.slice(from);
    const first = frame.seq + from;
    return { kind: "messages", messages: fresh.map((m, i) => ({ ...m, channel, epoch, seq: first + i })) };
  }
}
