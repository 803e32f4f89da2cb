/**
 * Several actors that all believe to be home to one channel, over one log: messages to and from the log take any
 * time and may be lost, actors die and begin anew, publishers send again whenever they like. A test decides
 * what happens next, and asks in the end what is true.
 */
import { decodeRecord } from "@plexus/protocol";
import { publishedAt } from "@plexus/runtime";
import { Channel, type ChannelEffect } from "../channel.js";
import { loadChannel, readWindow } from "../loader.js";
import type { Append, AppendOutcome, StoredRecord } from "../log.js";
import { batch, item } from "./channels.js";
import { type AppendFate, MemoryLog } from "./memory-log.js";
import { CHANNEL, logsOf, subjectIn } from "./past.js";

const CELL = "c0";

interface Flying {
  readonly append: Append;
  readonly life: Life;
  /** The log's verdict, once the append has arrived there. */
  outcome: AppendOutcome | null;
  /** The actor no longer waits for it. */
  givenUp: boolean;
}

interface Life {
  readonly channel: Channel<string[]>;
  loading: boolean;
}

export class Writers {
  readonly log = new MemoryLog();
  /** Every acknowledgement: id, and the seq that was told. */
  readonly acknowledged: Array<{ id: string; seq: number }> = [];
  now = 1_000_000;
  readonly #logs = logsOf(CELL, new Map([[CELL, this.log]]));
  readonly #lives: Life[] = [];
  #flying: Flying[] = [];

  constructor(actors: number) {
    for (let i = 0; i < actors; i++) this.#lives.push(this.#begin());
  }

  /** Sends messages to one of the actors, as a new request or once more. Ids that begin with g are made by gateways. */
  publish(actor: number, ids: readonly string[]): void {
    const { channel } = this.#life(actor);
    channel.publish(batch(...ids.map((id) => item(id, { given: !id.startsWith("g") }))), [...ids], this.now);
    this.#run(this.#life(actor));
  }

  /** The actor's process is killed; another one begins. What it had sent is still on its way. */
  kill(actor: number): void {
    for (const flying of this.#flying) if (flying.life === this.#life(actor)) flying.givenUp = true;
    this.#lives[actor % this.#lives.length] = this.#begin();
  }

  /** One of the appends on their way arrives at the log. */
  arrive(which: number, fate: AppendFate): void {
    const waiting = this.#flying.filter(({ outcome }) => outcome === null);
    const flying = waiting[which % waiting.length];
    if (flying === undefined) return;
    this.log.now = this.now;
    this.log.fate = () => fate;
    flying.outcome = this.log.appendNow(flying.append);
  }

  /** One of the log's verdicts reaches the actor. */
  answer(which: number): void {
    const waiting = this.#flying.filter(({ outcome }) => outcome !== null);
    const flying = waiting[which % waiting.length];
    if (flying === undefined) return;
    this.#flying = this.#flying.filter((other) => other !== flying);
    if (!flying.givenUp) this.#settle(flying.life, flying.outcome!);
  }

  /** One of the actors stops waiting for an append, which may still arrive. */
  giveUp(which: number): void {
    const waiting = this.#flying.filter(({ givenUp }) => !givenUp);
    const flying = waiting[which % waiting.length];
    if (flying === undefined) return;
    flying.givenUp = true;
    this.#settle(flying.life, { stored: false, why: "unknown", message: "no answer in time" });
  }

  get busy(): boolean {
    return this.#flying.length > 0 || this.#lives.some(({ loading }) => loading);
  }

  /** Every message of the log, in order. */
  stored(): Array<{ seq: number; epoch: string; id: string }> {
    return this.log.all(subjectIn(CELL)).flatMap(({ bytes }) => {
      const { seq, epoch, m } = decodeRecord(bytes);
      return m.map(({ id }, i) => ({ seq: seq + i, epoch, id }));
    });
  }

  #life(actor: number): Life {
    return this.#lives[actor % this.#lives.length]!;
  }

  #begin(): Life {
    const life: Life = { channel: new Channel<string[]>(CHANNEL, CELL), loading: true };
    void loadChannel(this.#logs, this.now).then((loaded) => {
      life.loading = false;
      life.channel.loaded(loaded, true, this.now);
      this.#run(life);
    });
    return life;
  }

  #settle(life: Life, outcome: AppendOutcome): void {
    if (outcome.stored) life.channel.appended(outcome.logSeq, this.now);
    else if (outcome.why === "refused") life.channel.appendRefused(outcome.message);
    else life.channel.unsure();
    this.#run(life);
  }

  #run(life: Life): void {
    for (const effect of life.channel.takeEffects()) this.#runOne(life, effect);
  }

  #runOne(life: Life, effect: ChannelEffect<string[]>): void {
    switch (effect.do) {
      case "append": {
        const { bytes, fence, opened } = effect;
        const append = { subject: subjectIn(CELL), bytes, fence, opened };
        this.#flying.push({ append, life, outcome: null, givenUp: false });
        return;
      }
      case "load":
        return void this.#verify(life);
      case "window":
        return void this.#readWindow(life, effect.newest);
      case "answer":
        for (const [i, id] of effect.to.entries())
          this.acknowledged.push({ id, seq: publishedAt(effect.answer, i)[0] });
        return;
      case "close": {
        const at = this.#lives.indexOf(life);
        if (at >= 0) this.#lives[at] = this.#begin();
      }
    }
  }

  async #readWindow(life: Life, newest: StoredRecord | null): Promise<void> {
    life.loading = true;
    const { segments, newestAt } = life.channel;
    const ids = await readWindow(this.#logs, segments, newestAt, newest);
    life.loading = false;
    life.channel.windowRead(ids, this.now);
    this.#run(life);
  }

  async #verify(life: Life): Promise<void> {
    life.loading = true;
    const last = await this.log.last(subjectIn(CELL));
    life.loading = false;
    life.channel.verified(last?.logSeq ?? 0, last?.bytes ?? null, this.now);
    this.#run(life);
  }
}
