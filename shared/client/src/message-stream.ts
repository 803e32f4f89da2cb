/** Messages for a `for await` loop: a bounded queue between what comes and a loop that takes its time. */
import { PlexusError, type Position } from "@plexus/protocol";
import { type Deferred, defer } from "./errors.js";
import type { ChannelMessage } from "./reception.js";

/** The loop was too slow. Messages after `position` were not handed to it. */
export class StreamOverflow extends PlexusError {
  /** The last message that the loop got; null where it got none. `subscribe({ since })` or `history` go on there. */
  readonly position: Position | null;

  constructor(position: Position | null) {
    super("limit_reached", "the loop over the channel's messages fell too far behind");
    this.position = position;
  }
}

export class MessageStream implements AsyncIterableIterator<ChannelMessage> {
  readonly #most: number;
  readonly #onEnd: (stream: MessageStream) => void;
  #buffer: ChannelMessage[] = [];
  #waiting: Array<Deferred<IteratorResult<ChannelMessage>>> = [];
  #position: Position | null = null;
  #isOver = false;
  #error: PlexusError | null = null;

  constructor(maxMessages: number, onEnd: (stream: MessageStream) => void) {
    this.#most = maxMessages;
    this.#onEnd = onEnd;
  }

  push(message: ChannelMessage): void {
    if (this.#isOver) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting.resolve(this.#hand(message));
    if (this.#buffer.length < this.#most) {
      this.#buffer.push(message);
      return;
    }
    // What is in the buffer is still handed out: the loop ends behind the last message without a gap.
    const last = this.#buffer.at(-1);
    this.end(new StreamOverflow(last === undefined ? this.#position : { epoch: last.epoch, seq: last.seq }));
  }

  /** No more messages: the loop ends behind those that are here, with `error` where one is given. */
  end(error: PlexusError | null = null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#onEnd(this);
    for (const waiting of this.#waiting.splice(0)) this.#finish(waiting);
  }

  next(): Promise<IteratorResult<ChannelMessage>> {
    const message = this.#buffer.shift();
    if (message !== undefined) return Promise.resolve(this.#hand(message));
    const waiting = defer<IteratorResult<ChannelMessage>>();
    if (this.#isOver) this.#finish(waiting);
    else this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** The loop was left. */
  return(): Promise<IteratorResult<ChannelMessage>> {
    this.#buffer = [];
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #hand(message: ChannelMessage): IteratorResult<ChannelMessage> {
    this.#position = { epoch: message.epoch, seq: message.seq };
    return { done: false, value: message };
  }

  #finish(waiting: Deferred<IteratorResult<ChannelMessage>>): void {
    const error = this.#error;
    // Told once; a loop that asks again is simply at its end.
    this.#error = null;
    if (error === null) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(error);
  }
}
