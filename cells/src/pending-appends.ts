import { holds, numberBefore } from "@plexus/protocol";
import type { AppendOutcome } from "./log.js";

const CLOSING_BRACE = 0x7d;
const BEGINNING = new TextEncoder().encode('{"stream":');
const BEFORE_SEQ = new TextEncoder().encode('"seq":');

/**
 * The log sequence of an acknowledgement like `{"stream":"LOG","seq":7}`, read from its end: a fifth of the time that it
 * takes as JSON. Null where it says anything else.
 */
export function acknowledgedSeq(data: Uint8Array): number | null {
  // A refusal begins with `"error"`, and may end in the same way.
  if (!holds(data, BEGINNING, 0) || data.at(-1) !== CLOSING_BRACE) return null;
  return numberBefore(data, data.length - 1, BEFORE_SEQ);
}

interface Waiting {
  readonly done: (outcome: AppendOutcome) => void;
  readonly deadlineAt: number;
}

/** More than there are appends at once, of which each channel has one. */
const PLACES = 2 ** 24;

/**
 * Appends without an acknowledgement, each under a number that its acknowledgement names. Numbers are used again: a server
 * remembers for the subjects that it has met of late who listens to them, and for new ones it has to look.
 *
 * But only that of an append that was acknowledged as stored. Of one that was given up that may still come, and also of one that
 * was refused: what is added in its place gets a number that never was. So does everything in a replicated log, whose old leader
 * may refuse what the new one has stored, after that was told. And where the same acknowledgement comes twice, the second names
 * the sequence of the first, and what was appended after that has a higher one.
 */
export class PendingAppends {
  /** By place, which a number tells; as many as there ever were at once. */
  readonly #waiting: Array<Waiting | undefined> = [];
  readonly #free: number[] = [];
  /** The number that a place has now. */
  readonly #numbers: number[] = [];
  /** The log sequence that was acknowledged last under it. */
  readonly #stored: number[] = [];
  readonly #replicated: boolean;

  /** @param replicated several servers may answer one append */
  constructor(replicated: boolean) {
    this.#replicated = replicated;
  }

  /** The number of an append that is about to be sent. */
  add(done: (outcome: AppendOutcome) => void, deadlineAt: number): number {
    const place = this.#free.pop() ?? this.#newPlace();
    this.#waiting[place] = { done, deadlineAt };
    return this.#numbers[place]!;
  }

  /** Its acknowledgement has come, or it was never sent. Does nothing where it was given up before, or came before. */
  settle(number: number, outcome: AppendOutcome): void {
    const place = number % PLACES;
    const waiting = this.#waiting[place];
    if (waiting === undefined || this.#numbers[place] !== number) return;
    if (outcome.stored) {
      if (outcome.logSeq <= this.#stored[place]!) return;
      this.#stored[place] = outcome.logSeq;
    }
    if (!outcome.stored || this.#replicated) this.#renumber(place);
    this.#waiting[place] = undefined;
    this.#free.push(place);
    waiting.done(outcome);
  }

  /** Gives up those that are due by then; `each` is called before one is told. */
  giveUp(now: number, message: string, each?: () => void): void {
    for (let place = 0; place < this.#waiting.length; place++) {
      const waiting = this.#waiting[place];
      if (waiting === undefined || waiting.deadlineAt > now) continue;
      this.#renumber(place);
      this.#waiting[place] = undefined;
      this.#free.push(place);
      each?.();
      waiting.done({ stored: false, why: "unknown", message });
    }
  }

  #newPlace(): number {
    this.#stored.push(0);
    this.#waiting.push(undefined);
    return this.#numbers.push(this.#numbers.length) - 1;
  }

  /** What may still come under the number that the place had is for nobody. */
  #renumber(place: number): void {
    this.#numbers[place]! += PLACES;
    this.#stored[place] = 0;
  }
}
