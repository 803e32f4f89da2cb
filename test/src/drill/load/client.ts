/**
 * One client of the load: publishes for its lanes and subscribes for its watches over one connection. As the SDK
 * does, it opens the next connection before it leaves one that is told to go, and comes back and resumes where one
 * was cut.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { ByeFrame, ErrFrame, HistoryOk, OkFrame, PubOk, ServerFrame, SubOk } from "@plexus/protocol";
import type { Lane } from "./lane.js";
import { type ClientContext, type LoadClient, payloadOf } from "./load-client.js";
import type { LoadCounters } from "./orders.js";
import type { Watch } from "./watch.js";
import { type Waiter, Wire } from "./wire.js";

/** Connections that may land elsewhere before one lands on the gateway asked for. */
const MAX_TRIES = 100;
/** Of the gateway's own bound, so that a retry still finds room. */
const IN_FLIGHT_SHARE = 0.8;
const RECONNECT_MS = { min: 50, max: 250 };
const MAX_DOUBLINGS = 4;

export class Client implements LoadClient {
  readonly #context: ClientContext;
  readonly #watches = new Map<string, Watch>();
  /** Lanes that may have something to send. */
  readonly #ready = new Set<Lane>();
  /** The connection that a watch listens to: what others bring is not counted. */
  readonly #heard = new Map<Watch, Wire>();
  #wire: Wire | undefined;
  readonly #leaving = new Set<Wire>();
  #comingBack = false;
  #stopped = false;

  constructor(context: ClientContext) {
    this.#context = context;
  }

  get watches(): IterableIterator<Watch> {
    return this.#watches.values();
  }

  add(watch: Watch): void {
    this.#watches.set(watch.channel, watch);
  }

  /** Connects (again and again until this gateway took the connection, where one is named) and subscribes. */
  async start(gateway?: string): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const wire = await this.#open().catch(() => undefined);
      if (wire === undefined) await pause(reconnectMs(tries));
      else if (gateway === undefined || wire.welcome?.gateway === gateway) return this.#use(wire);
      else wire.leave();
    }
    throw new Error(`no connection landed on ${gateway}`);
  }

  stop(): void {
    this.#stopped = true;
    this.#wire?.leave();
    for (const wire of this.#leaving) wire.leave();
  }

  wake(lane: Lane): void {
    this.#ready.add(lane);
  }

  pump(now: number): void {
    const wire = this.#wire;
    if (wire === undefined || !wire.isOpen || this.#ready.size === 0) return;
    const room = wire.welcome!.limits.inFlight * IN_FLIGHT_SHARE;
    for (const lane of this.#ready) {
      if (wire.inFlight >= room) break;
      const batch = lane.take(now);
      if (batch.length > 0 || lane.open === 0) this.#ready.delete(lane);
      for (const number of batch) this.#publish(wire, lane, number);
    }
    wire.flush();
  }

  look(now: number): void {
    this.#wire?.look(now);
    for (const wire of this.#leaving) {
      wire.look(now);
      if (wire.inFlight === 0 && ![...this.#heard.values()].includes(wire)) wire.leave();
    }
  }

  async history(ch: string, after: number, limit: number): Promise<HistoryOk> {
    if (this.#wire === undefined) throw new Error("not connected");
    return (await this.#wire.ask({ op: "history", ch, after, limit })) as HistoryOk;
  }

  #publish(wire: Wire, lane: Lane, number: number): void {
    const data = payloadOf(this.#context, number);
    const frame = { op: "pub", ch: lane.channel, mid: lane.midOf(number), data };
    wire.queue(frame, new PendingMessage(this, this.#context, lane, number));
  }

  #open(): Promise<Wire> {
    const { url, token } = this.#context;
    return Wire.open(url, token, {
      frame: (wire, frame) => this.#onFrame(wire, frame),
      closed: (wire) => this.#onClosed(wire),
    });
  }

  /** From now on everything goes over this connection; the one before it is left once it has answered. */
  async #use(wire: Wire): Promise<void> {
    if (this.#wire !== undefined) this.#leaving.add(this.#wire);
    this.#wire = wire;
    await Promise.all([...this.#watches.values()].map((watch) => this.#subscribe(wire, watch)));
  }

  #subscribe(wire: Wire, watch: Watch): Promise<void> {
    const since = watch.position;
    this.#heard.set(watch, wire);
    return new Promise((resolve, reject) => {
      const frame = { op: "sub", ch: watch.channel, ...(since !== undefined && { since }) };
      wire.queue(frame, {
        answered: (ok) => {
          watch.subscribed(ok as SubOk, since !== undefined);
          resolve();
        },
        refused: (reason) => {
          countRefusal(this.#context.counters, reason);
          const retryMs = typeof reason === "string" ? undefined : reason.retry;
          if (retryMs === undefined) return reject(new Error(`${watch.channel}: ${textOf(reason)}`));
          setTimeout(() => {
            // Meanwhile it may be heard over the next connection; one that is left would take it back, and end with it.
            if (this.#heard.get(watch) !== wire) resolve();
            else this.#subscribe(wire, watch).then(resolve, reject);
          }, retryMs);
        },
      });
      // One message for all that are queued in this turn.
      setImmediate(() => wire.flush());
    });
  }

  #onFrame(wire: Wire, frame: ServerFrame): void {
    if (frame.op === "bye") return void this.#changeOver(wire, frame);
    if (frame.op !== "msg" && frame.op !== "reset") return;
    const watch = this.#watches.get(frame.ch);
    if (watch === undefined || this.#heard.get(watch) !== wire) return;
    if (frame.op === "reset") return watch.reset(frame);
    watch.received(frame);
    this.#context.counters.delivered += frame.m.length;
  }

  /** Told to go: opens another connection first. */
  async #changeOver(wire: Wire, { reconnect }: ByeFrame): Promise<void> {
    if (wire !== this.#wire || reconnect === null) return;
    const { min, max } = reconnect;
    await pause(min + Math.random() * (max - min));
    if (this.#stopped || wire !== this.#wire || !wire.isOpen) return;
    for (let tries = 0; !this.#stopped && wire === this.#wire; tries++) {
      const next = await this.#open().catch(() => undefined);
      if (next === undefined) {
        await pause(reconnectMs(tries));
        continue;
      }
      // Where it can't be subscribed on, its end leads to another try.
      return this.#use(next).then(
        () => void this.#context.counters.changedOver++,
        () => next.drop(),
      );
    }
  }

  #onClosed(wire: Wire): void {
    this.#leaving.delete(wire);
    for (const [watch, heardOn] of this.#heard) if (heardOn === wire) watch.live = false;
    if (wire.left || this.#stopped) return;
    const heard = [...this.#heard.values()].includes(wire);
    if (heard || wire === this.#wire) this.#context.counters.disconnected++;
    if (wire === this.#wire) void this.#comeBack();
  }

  async #comeBack(): Promise<void> {
    this.#wire = undefined;
    if (this.#comingBack) return;
    this.#comingBack = true;
    for (let tries = 0; !this.#stopped && this.#wire === undefined; tries++) {
      await pause(reconnectMs(tries));
      const wire = await this.#open().catch(() => undefined);
      // One that can't be subscribed on is given up; its end leads here again.
      if (wire !== undefined) await this.#use(wire).catch(() => wire.drop());
    }
    this.#comingBack = false;
  }
}

/** A message whose acknowledgement is awaited: an object rather than closures, since there is one for each. */
class PendingMessage implements Waiter {
  readonly #client: Client;
  readonly #context: ClientContext;
  readonly #lane: Lane;
  readonly #number: number;

  constructor(client: Client, context: ClientContext, lane: Lane, number: number) {
    this.#client = client;
    this.#context = context;
    this.#lane = lane;
    this.#number = number;
  }

  answered(frame: OkFrame, now: number): void {
    const { epoch, seq, dup } = frame as PubOk;
    this.#context.counters.acknowledged++;
    if (dup) this.#context.counters.repeated++;
    this.#context.tookMs(this.#lane.acknowledged(this.#number, { epoch, seq }, now));
    if (this.#lane.open > 0) this.#client.wake(this.#lane);
  }

  refused(reason: ErrFrame | "closed" | "overdue", now: number): void {
    countRefusal(this.#context.counters, reason);
    this.#lane.failed(this.#number, now, textOf(reason));
    this.#client.wake(this.#lane);
  }
}

/** At random up to a ceiling that doubles with each try: a gateway that is full of others says so. */
function reconnectMs(tries: number): number {
  const { min, max } = RECONNECT_MS;
  return min + Math.random() * (max * 2 ** Math.min(tries, MAX_DOUBLINGS) - min);
}

function textOf(reason: ErrFrame | "closed" | "overdue"): string {
  return typeof reason === "string" ? reason : reason.code;
}

function countRefusal({ refused }: LoadCounters, reason: ErrFrame | "closed" | "overdue"): void {
  const text = textOf(reason);
  refused[text] = (refused[text] ?? 0) + 1;
}
