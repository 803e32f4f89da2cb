/** A client that publishes some messages in order, each again with its id until it is acknowledged. */
import type { Position } from "@plexus/protocol";
import { type PublishItem, publishItem } from "@plexus/runtime";
import type { Gateway } from "./gateway.js";
import type { Judge } from "./judge.js";
import type { Schedule } from "./schedule.js";

const MAX_UNDER_WAY = 3;
const RETRY_MS = 400;
/** Nobody answers any more: the connection counts as lost. */
const PATIENCE_MS = 15_000;

interface Waiting {
  readonly item: PublishItem;
  sent: boolean;
}

export class Publisher {
  readonly user: string;
  /** What it was told for each of its ids. */
  readonly acknowledged = new Map<string, Position>();
  readonly #gateways: readonly Gateway[];
  readonly #schedule: Schedule;
  readonly #judge: Judge;
  /** Null while it has no connection. */
  #gateway: Gateway | null;
  #connection = 0;
  #made = 0;
  #asides = 0;
  #waiting: Waiting[] = [];

  constructor(user: string, gateways: readonly Gateway[], schedule: Schedule, judge: Judge) {
    this.user = user;
    this.#judge = judge;
    this.#gateways = gateways;
    this.#schedule = schedule;
    this.#gateway = this.#anyGateway();
  }

  get isDone(): boolean {
    return this.#waiting.length === 0;
  }

  /** The next message, with an id of its own. */
  publish(): string {
    const id = `${this.user}-${this.#made++}`;
    this.#waiting.push({ item: this.#item(id), sent: false });
    this.#sendMore();
    return id;
  }

  /** A message that gets its id from the gateway: only that sends it again, in the batch that it came with. */
  aside(): void {
    const id = `${this.user}~${this.#asides++}`;
    this.#gateway?.publish(this.#item(id, false), (position) => this.#told(id, position));
  }

  /** Once more what is acknowledged already, as a client does that was restarted. */
  repeat(): void {
    const ids = [...this.acknowledged.keys()].filter((id) => !id.includes("~"));
    if (ids.length === 0) return;
    const id = this.#schedule.random.pick(ids);
    this.#anyGateway().publish(this.#item(id), (position) => this.#told(id, position));
  }

  /** Its connection is lost: all that has no answer goes again, elsewhere. */
  cut(): void {
    this.#connection++;
    this.#gateway = null;
    const { connection } = this;
    for (const waiting of this.#waiting) waiting.sent = false;
    this.#schedule.after(this.#schedule.random.next() * RETRY_MS, null, () => {
      if (connection !== this.connection) return;
      this.#gateway = this.#anyGateway();
      this.#sendMore();
    });
  }

  get connection(): number {
    return this.#connection;
  }

  isAt(gateway: Gateway): boolean {
    return this.#gateway === gateway;
  }

  #anyGateway(): Gateway {
    return this.#gateways[this.#schedule.random.int(0, this.#gateways.length - 1)]!;
  }

  #item(id: string, given = true): PublishItem {
    return publishItem({ id, user: this.user, conn: "c", json: "1" }, given);
  }

  #told(id: string, position: Position | null): void {
    if (position === null) return;
    this.#judge.told(id, position, this.acknowledged.get(id));
    this.acknowledged.set(id, position);
  }

  #sendMore(): void {
    if (this.#gateway === null) return;
    for (const waiting of this.#waiting.slice(0, MAX_UNDER_WAY)) {
      if (waiting.sent) continue;
      waiting.sent = true;
      this.#send(waiting, this.#gateway);
    }
  }

  #send(waiting: Waiting, gateway: Gateway): void {
    const { connection } = this;
    const patience = this.#schedule.after(PATIENCE_MS, null, () => {
      if (connection === this.connection) this.cut();
    });
    gateway.publish(waiting.item, (position) => {
      patience.cancelled = true;
      if (connection !== this.connection) return;
      if (position === null) return this.cut();
      this.#told(waiting.item.id, position);
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      this.#sendMore();
    });
  }
}
