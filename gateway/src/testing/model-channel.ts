/**
 * A channel, its actor and the bus in between, as a relay meets them: records are stored and sent, and the test
 * decides what arrives, in which order, how often, and when a question is heard and answered.
 */
import assert from "node:assert/strict";
import { encodeRecord, joinFragments, messageFragment, type Position, readHead } from "@plexus/protocol";
import type { ReadAnswer } from "@plexus/runtime";
import { Relay, type RelayEffect } from "../relay.js";

const CHANNEL = "chat.a";

interface Question {
  readonly after: number | null;
  readonly epoch: string | null;
  /** What the actor said, once it has heard the question. */
  answer: ReadAnswer | null;
}

export function recordOf(epoch: string, seq: number, n: number): Uint8Array {
  const ids = Array.from({ length: n }, (_, i) => `${epoch}-${seq + i}`);
  const fragments = ids.map((id) => messageFragment(id, '"u"', '"c"', "1"));
  return encodeRecord(CHANNEL, epoch, seq, [joinFragments(fragments)], 5);
}

export class ModelChannel {
  readonly relay = new Relay({ tailRecords: 4, tailBytes: 10_000, heldRecords: 3 });
  /** Positions that subscribers were told to go on from. */
  readonly resets: Position[] = [];
  /** What subscribers have: the position after the last frame. Null before the relay knows where it stands. */
  shown: Position | null = null;
  delivered = 0;
  #epoch = "e0";
  #head = 0;
  #records: Array<{ seq: number; n: number; bytes: Uint8Array }> = [];
  #bus: Uint8Array[] = [];
  #questions: Question[] = [];

  get head(): Position {
    return { epoch: this.#epoch, seq: this.#head };
  }
  get quiet(): boolean {
    return this.#bus.length === 0 && this.#questions.length === 0;
  }

  /** The actor stores a record, which the log sends to the bus. */
  store(n: number): void {
    const bytes = recordOf(this.#epoch, this.#head + 1, n);
    this.#records.push({ seq: this.#head + 1, n, bytes });
    this.#head += n;
    this.#bus.push(bytes);
  }

  /** The channel goes on in another epoch: what was before can't be proven. */
  begin(epoch: string): void {
    this.#epoch = epoch;
    this.#head = 0;
    this.#records = [];
  }

  /** Retention takes the oldest records, all but one. */
  trim(records: number): void {
    this.#records.splice(0, Math.min(records, this.#records.length - 1));
  }

  /** One of the records on the bus arrives. */
  arrive(which: number, again: boolean): void {
    const at = which % Math.max(1, this.#bus.length);
    const bytes = this.#bus[at];
    if (bytes === undefined) return;
    if (!again) this.#bus.splice(at, 1);
    this.relay.record(readHead(bytes)!, bytes, 0);
    this.#run();
  }

  lose(which: number): void {
    if (this.#bus.length > 0) this.#bus.splice(which % this.#bus.length, 1);
  }

  /** The relay compares heads, as it does from time to time by itself; one comparison is under way at a time. */
  compare(): void {
    if (this.#questions.some(({ after }) => after === null)) return;
    this.#questions.push({ after: null, epoch: this.relay.position?.epoch ?? null, answer: null });
  }

  /** The actor hears one of the questions. */
  hear(which: number): void {
    const unheard = this.#questions.filter(({ answer }) => answer === null);
    const question = unheard[which % Math.max(1, unheard.length)];
    if (question !== undefined) question.answer = this.#answer(question);
  }

  /** One of the answers reaches the relay, or fails to. */
  answer(which: number, fails: boolean): void {
    const heard = this.#questions.filter(({ answer }) => answer !== null);
    const question = heard[which % Math.max(1, heard.length)];
    if (question === undefined) return;
    this.#questions = this.#questions.filter((other) => other !== question);
    const answer = question.answer!;
    if (fails) this.relay.askFailed();
    else if (question.after === null) this.relay.headSeen(question.epoch, answer.head, 0);
    else {
      const records = answer.records.map((bytes) => ({ bytes, head: readHead(bytes)! }));
      this.relay.fetched(question.epoch!, answer, records, 0);
    }
    this.#run();
  }

  #answer({ after, epoch }: Question): ReadAnswer {
    const nothing = { head: this.head, records: [], oldest: this.#records[0]?.seq ?? this.#head + 1 };
    if (after === null) return { ...nothing, state: "ok" };
    if (epoch !== this.#epoch || after > this.#head) return { ...nothing, state: "unknown" };
    if (after + 1 < nothing.oldest && after < this.#head) return { ...nothing, state: "trimmed" };
    const wanted = this.#records.filter(({ seq, n }) => seq + n - 1 > after).slice(0, 2);
    return { ...nothing, state: "ok", records: wanted.map(({ bytes }) => bytes) };
  }

  #run(): void {
    for (const effect of this.relay.takeEffects()) this.#runOne(effect);
    this.shown ??= this.relay.position;
    assert.deepEqual(this.shown, this.relay.position, "the relay stands where its subscribers stand");
  }

  #runOne(effect: RelayEffect): void {
    switch (effect.do) {
      case "deliver": {
        const { epoch, seq, n } = readHead(effect.bytes)!;
        this.shown ??= { epoch, seq: seq - 1 };
        assert.deepEqual(
          { epoch, seq },
          { epoch: this.shown.epoch, seq: this.shown.seq + 1 },
          "what follows",
        );
        this.shown = { epoch, seq: seq + n - 1 };
        this.delivered += n;
        return;
      }
      case "reset":
        this.resets.push(effect.position);
        this.shown = effect.position;
        return;
      case "fetch":
        return void this.#questions.push({
          after: effect.after,
          epoch: this.relay.position!.epoch,
          answer: null,
        });
      case "lookup":
        return this.compare();
    }
  }
}
