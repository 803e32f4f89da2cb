/**
 * One channel as a bot receives it: what comes live is put behind the position, and what is missing in between is
 * fetched. Pure: records and pages go in, the next step comes out.
 */
import type { MsgFrame, Position } from "@plexus/protocol";
import type { BotMessage, HistoryPage, Reset } from "./types.js";

/** Records that wait while the handler is busy or something is fetched. Beyond it they are forgotten and fetched later. */
const MAX_WAITING_RECORDS = 256;
const MAX_WAITING_BYTES = 1024 * 1024;
/** An actor that was just made anew may answer with less than was shown already; so often it is asked again. */
const MAX_EMPTY_PAGES = 10;

export type Step =
  | { kind: "idle" }
  | { kind: "handle"; message: BotMessage }
  /** Read on behind this seq. `again`: the last page brought nothing, so not at once. */
  | { kind: "fetch"; after: number; again: boolean }
  /** The channel is in another epoch: ask where it stands. */
  | { kind: "head" }
  | { kind: "reset"; reset: Reset };

export class Reception {
  readonly #channel: string;
  #position: Position;
  #waiting: Array<{ frame: MsgFrame; bytes: number }> = [];
  #waitingBytes = 0;
  /** What was read and is not handled yet. */
  #read: BotMessage[] = [];
  /** There may be more than what waits: nothing was heard for a while, or too much. */
  #behind = true;
  /** So it was since a page was asked for, which may not show it. */
  #behindAgain = false;
  #emptyPages = 0;
  #headWanted = false;
  #reset: Reset | undefined;

  /** @param position behind which messages are wanted */
  constructor(channel: string, position: Position) {
    this.#channel = channel;
    this.#position = position;
  }

  /** What was handled last. */
  get position(): Position {
    return this.#position;
  }

  /** A record came live; `bytes` is its size. */
  offer(frame: MsgFrame, bytes: number): void {
    if (this.#waiting.length >= MAX_WAITING_RECORDS || this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.#forgetWaiting();
      this.fellBehind();
    }
    this.#waiting.push({ frame, bytes });
    this.#waitingBytes += bytes;
  }

  /** Something may have been missed: the connection was away, or it is time to look. */
  fellBehind(): void {
    this.#behind = true;
    this.#behindAgain = true;
  }

  handled({ epoch, seq }: BotMessage): void {
    this.#position = { epoch, seq };
  }

  /** A page that was asked for, behind `after`. */
  fetched(after: number, { epoch, messages, more }: HistoryPage): void {
    if (epoch !== this.#position.epoch) {
      this.#headWanted = true;
      return;
    }
    this.#emptyPages = messages.length === 0 ? this.#emptyPages + 1 : 0;
    this.#behind = more || this.#behindAgain;
    this.#read = messages.map((message) => ({ ...message, channel: this.#channel, epoch }));
    const first = messages[0]?.seq;
    if (first !== undefined && first > after + 1) this.#goOnAt({ epoch, seq: first - 1 }, "trimmed");
  }

  /** Where the channel stands in its new epoch. */
  stands(head: Position): void {
    this.#headWanted = false;
    this.#read = [];
    this.#forgetWaiting((frame) => frame.epoch === head.epoch && frame.seq + frame.m.length - 1 > head.seq);
    this.#behind = true;
    if (head.epoch !== this.#position.epoch) this.#goOnAt(head, "epoch");
  }

  next(): Step {
    if (this.#reset !== undefined) {
      const reset = this.#reset;
      this.#reset = undefined;
      return { kind: "reset", reset };
    }
    if (this.#headWanted) return { kind: "head" };
    const message = this.#read.shift();
    if (message !== undefined) return { kind: "handle", message };
    const { epoch, seq } = this.#position;
    if (this.#behind) return this.#fetch(this.#emptyPages > 1);
    const frame = this.#takeNew();
    if (frame === undefined) return { kind: "idle" };
    if (frame.epoch !== epoch) this.#goOnAt({ epoch: frame.epoch, seq: frame.seq - 1 }, "epoch");
    else if (frame.seq > seq + 1) return this.#gap(frame);
    this.#emptyPages = 0;
    this.#read = frame.m
      .map((message, i) => ({ ...message, channel: this.#channel, epoch: frame.epoch, seq: frame.seq + i }))
      .filter((message) => message.seq > this.#position.seq);
    return this.next();
  }

  #fetch(again: boolean): Step {
    this.#behindAgain = false;
    return { kind: "fetch", after: this.#position.seq, again };
  }

  #gap(frame: MsgFrame): Step {
    // It goes back, to be taken once what is before it has been read.
    this.#waiting.unshift({ frame, bytes: 0 });
    if (this.#emptyPages <= MAX_EMPTY_PAGES) return this.#fetch(this.#emptyPages > 0);
    this.#emptyPages = 0;
    this.#goOnAt({ epoch: frame.epoch, seq: frame.seq - 1 }, "trimmed");
    return this.next();
  }

  /** The first record that has something new, or is of another epoch; those before it are repetitions. */
  #takeNew(): MsgFrame | undefined {
    for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift()) {
      this.#waitingBytes -= entry.bytes;
      const { frame } = entry;
      const isOld =
        frame.epoch === this.#position.epoch && frame.seq + frame.m.length - 1 <= this.#position.seq;
      if (!isOld) return frame;
    }
    return undefined;
  }

  #goOnAt(to: Position, reason: Reset["reason"]): void {
    this.#reset = { reason, from: this.#position, to };
    this.#position = to;
  }

  #forgetWaiting(keep: (frame: MsgFrame) => boolean = () => false): void {
    this.#waiting = this.#waiting.filter(({ frame }) => keep(frame));
    this.#waitingBytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
