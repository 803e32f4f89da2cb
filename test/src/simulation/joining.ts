/** A subscriber on its way from its position to its gateway's relay, as `gateway/src/recovery.ts` brings it there. */
import { type Position, readHead } from "@plexus/protocol";
import type { ReadAnswer, ReadRange } from "@plexus/runtime";
import type { Life, Schedule } from "./schedule.js";

/** What a gateway knows of a subscriber, and does with it. */
export interface Reader {
  readonly position: Position | null;
  /** Counts its connections: what belongs to an earlier one is void. */
  readonly connection: number;
  /** It begins at the present, for the first time or since what it had is gone. */
  start(position: Position): void;
  /** It is handed a record that may begin before its position. */
  catchUp(bytes: Uint8Array): void;
  /** It is handed the record that follows. */
  receive(bytes: Uint8Array): void;
  /** It is told to go on elsewhere. */
  reset(position: Position): void;
  /** Its connection ends. */
  cut(): void;
}

/** What a subscriber that joins needs of its gateway. */
export interface Host {
  readonly schedule: Schedule;
  readonly relay: {
    readonly position: Position | null;
    readonly tail: { after(seq: number): ReadonlyArray<{ bytes: Uint8Array }> | undefined };
  };
  check(then: (answered: boolean) => void): void;
  read(range: ReadRange, done: (answer: ReadAnswer | null) => void): void;
  live(reader: Reader): void;
}

const PAGE_MESSAGES = 3;
const WAIT_MS = 20;
/** A client that has waited so long for its answer begins anew. */
const PATIENCE_MS = 10_000;

export class Joining {
  readonly #gateway: Host;
  readonly #subscriber: Reader;
  readonly #life: Life;
  readonly #connection: number;
  readonly #giveUpAt: number;
  /** Comparisons of heads since it began; the first may have been under way before. */
  #compared = 0;

  constructor(gateway: Host, subscriber: Reader, life: Life) {
    this.#gateway = gateway;
    this.#subscriber = subscriber;
    this.#life = life;
    this.#connection = subscriber.connection;
    this.#giveUpAt = gateway.schedule.now + PATIENCE_MS;
  }

  begin(): void {
    const { position } = this.#gateway.relay;
    const { position: since } = this.#subscriber;
    if (this.#over) return;
    if (position === null) return this.#gateway.check(() => this.#later());
    if (since === null) return this.#start(position);
    if (since.epoch === position.epoch && since.seq <= position.seq) return this.#catchUp(since, position);
    if (since.epoch === position.epoch) return this.#gateway.check(() => this.#later());
    if (this.#compared > 1) return this.#start(position);
    this.#gateway.check((answered) => {
      if (answered) this.#compared++;
      if (answered) this.begin();
      else this.#later();
    });
  }

  get #over(): boolean {
    const { schedule } = this.#gateway;
    const gone = !this.#life.alive || this.#subscriber.connection !== this.#connection;
    if (!gone && schedule.now > this.#giveUpAt) this.#subscriber.cut();
    return gone || schedule.now > this.#giveUpAt;
  }

  #later(): void {
    const { schedule } = this.#gateway;
    schedule.after(WAIT_MS, this.#life, () => this.begin());
  }

  /** At the present: what lay before is not asked for, or is gone. */
  #start(position: Position): void {
    this.#subscriber.start(position);
    this.#gateway.live(this.#subscriber);
  }

  #catchUp(since: Position, position: Position): void {
    const records = this.#gateway.relay.tail.after(since.seq);
    if (since.seq !== position.seq && records === undefined) return this.#readPage(since);
    for (const { bytes } of records ?? []) this.#subscriber.catchUp(bytes);
    this.#gateway.live(this.#subscriber);
  }

  #readPage({ epoch, seq }: Position): void {
    this.#gateway.read({ after: seq, epoch, limit: PAGE_MESSAGES }, (answer) => {
      if (this.#over) return;
      if (answer === null || isOld(answer, epoch, seq)) return this.#later();
      if (answer.state !== "ok") return this.#start(this.#gateway.relay.position!);
      for (const bytes of answer.records)
        if (readHead(bytes)!.epoch === epoch) this.#subscriber.catchUp(bytes);
      if (answer.records.length === 0) this.#later();
      else this.begin();
    });
  }
}

/** Of an actor that does not know yet what the subscriber has already. */
function isOld({ head, state }: ReadAnswer, epoch: string, seq: number): boolean {
  return state !== "ok" && head.epoch === epoch && head.seq <= seq;
}
