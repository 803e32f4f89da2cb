/**
 * The noisy tenant: each of its connections publishes whenever it may have one more request under way, and waits where
 * it is told to. What it sends per second has a bound, far above what it is let do: the load shares the machine.
 */
import type { ErrFrame, ServerFrame } from "@plexus/protocol";
import { type BucketRate, TokenBucket } from "@plexus/runtime";
import type { Waiter, Wire } from "../load/wire.js";
import { connectTo } from "./connect.js";
import type { NoisyOrder, NoisyPhase } from "./orders.js";

const TICK_MS = 5;
const LOOK_EVERY_MS = 1_000;
/** Where a refusal names no time. */
const RETRY_MS = 100;
const RECONNECT_MS = 500;
const DATA = "x".repeat(100);

interface Source {
  wire: Wire;
  readonly channel: string;
  underWay: number;
  /** Times at which refused requests are sent again. */
  waiting: number[];
}

export class NoisyLoad {
  readonly #order: NoisyOrder;
  readonly #rate: BucketRate;
  readonly #sources: Source[] = [];
  #ticks: NodeJS.Timeout | undefined;
  #looks: NodeJS.Timeout | undefined;
  #bucket: TokenBucket;
  #startedAt = 0;
  #acknowledged = 0;
  #refused = 0;
  #delivered = 0;

  constructor(order: NoisyOrder) {
    this.#order = order;
    this.#rate = { perSecond: order.rate, burst: Math.max(1, (order.rate * 2 * TICK_MS) / 1_000) };
    this.#bucket = new TokenBucket(this.#rate, 0);
  }

  /** Each connection publishes into a channel that the next one is subscribed to. */
  async prepare(): Promise<void> {
    for (let i = 0; i < this.#order.connections; i++)
      this.#sources.push({ wire: await this.#connect(i), channel: channelOf(i), underWay: 0, waiting: [] });
    this.#looks = setInterval(() => {
      for (const { wire } of this.#sources) wire.look(performance.now());
    }, LOOK_EVERY_MS);
  }

  begin(): void {
    this.#acknowledged = this.#refused = this.#delivered = 0;
    this.#startedAt = performance.now();
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Since it began. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  end(): NoisyPhase {
    clearInterval(this.#ticks);
    for (const source of this.#sources) source.waiting = [];
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    return {
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      delivered: this.#delivered,
      seconds: Math.round(seconds * 10) / 10,
    };
  }

  /** Whether nothing is under way any more. */
  isCalm(): boolean {
    return this.#sources.every(({ underWay }) => underWay === 0);
  }

  frame(_wire: Wire, frame: ServerFrame): void {
    if (frame.op === "msg") this.#delivered += frame.m.length;
  }

  /** Its process is the last to get a processor: where there is none for it, its connections are too slow and closed. */
  closed(wire: Wire): void {
    const source = this.#sources.find((one) => one.wire === wire);
    if (source !== undefined && !wire.left) setTimeout(() => this.#reconnect(source), RECONNECT_MS).unref();
  }

  async #connect(number: number): Promise<Wire> {
    const wire = await connectTo(this.#order, number, this);
    await wire.ask({ op: "sub", ch: channelOf((number + 1) % this.#order.connections) });
    return wire;
  }

  async #reconnect(source: Source): Promise<void> {
    try {
      const wire = await this.#connect(this.#sources.indexOf(source));
      if (source.wire.left) wire.leave();
      else source.wire = wire;
    } catch {
      this.closed(source.wire);
    }
  }

  stop(): void {
    clearInterval(this.#ticks);
    clearInterval(this.#looks);
    for (const { wire } of this.#sources) wire.leave();
  }

  /** The connections take turns, so that the bound of all does not fall on the last ones. */
  #tick(): void {
    const now = performance.now();
    for (const source of this.#sources) source.waiting = source.waiting.filter((at) => at > now);
    for (let sends = true; sends; ) {
      sends = false;
      for (const source of this.#sources) {
        if (source.underWay + source.waiting.length >= this.#order.inFlight) continue;
        if (this.#bucket.take(this.#rate, now) > 0) break;
        this.#publish(source);
        sends = true;
      }
    }
    for (const { wire } of this.#sources) wire.flush();
  }

  #publish(source: Source): void {
    source.underWay++;
    const waiter: Waiter = {
      answered: () => {
        source.underWay--;
        this.#acknowledged++;
      },
      refused: (reason: ErrFrame | "closed" | "overdue", now: number) => {
        source.underWay--;
        this.#refused++;
        const retryMs = typeof reason === "string" ? undefined : reason.retry;
        source.waiting.push(now + (retryMs ?? RETRY_MS));
      },
    };
    source.wire.queue({ op: "pub", ch: source.channel, data: DATA }, waiter);
  }
}

function channelOf(number: number): string {
  return `noisy.c${number}`;
}
