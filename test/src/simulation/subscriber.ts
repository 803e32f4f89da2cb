/** A client that reads a channel, loses its connection now and then, and resumes where it was. */
import { type Position, readHead, recordAfter } from "@plexus/protocol";
import type { Gateway } from "./gateway.js";
import type { Reader } from "./joining.js";
import type { Judge } from "./judge.js";
import type { Schedule } from "./schedule.js";

const RECONNECT_MS = 300;

export class Subscriber implements Reader {
  readonly name: string;
  position: Position | null = null;
  connection = 0;
  #gateway: Gateway | null = null;
  readonly #gateways: readonly Gateway[];
  readonly #schedule: Schedule;
  readonly #judge: Judge;

  constructor(name: string, gateways: readonly Gateway[], schedule: Schedule, judge: Judge) {
    this.name = name;
    this.#gateways = gateways;
    this.#schedule = schedule;
    this.#judge = judge;
    this.#connect();
  }

  isAt(gateway: Gateway): boolean {
    return this.#gateway === gateway;
  }

  /** The connection is lost: from here on nothing arrives until it has another one. */
  cut(): void {
    this.connection++;
    this.#gateway?.leave(this);
    this.#gateway = null;
    const { connection } = this;
    this.#schedule.after(this.#schedule.random.next() * RECONNECT_MS, null, () => {
      if (connection === this.connection) this.#connect();
    });
  }

  start(position: Position): void {
    if (this.position !== null) this.#judge.reset(this.name, this.position, position);
    this.position = position;
  }

  reset(position: Position): void {
    this.#judge.reset(this.name, this.position!, position);
    this.position = position;
  }

  receive(bytes: Uint8Array): void {
    const { epoch, seq, n } = readHead(bytes)!;
    this.#judge.delivered(this.name, this.position!, bytes);
    this.position = { epoch, seq: seq + n - 1 };
  }

  catchUp(bytes: Uint8Array): void {
    const head = readHead(bytes)!;
    const { seq } = this.position!;
    if (head.seq + head.n - 1 > seq) this.receive(recordAfter(bytes, head, seq)!);
  }

  #connect(): void {
    this.#gateway = this.#gateways[this.#schedule.random.int(0, this.#gateways.length - 1)]!;
    this.#gateway.join(this);
  }
}
