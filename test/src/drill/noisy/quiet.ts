/** The quiet tenant: few messages at an even pace, of which each is timed from when it was due. */
import { setTimeout as pause } from "node:timers/promises";
import type { ErrFrame, ServerFrame } from "@plexus/protocol";
import type { Waiter, Wire } from "../load/wire.js";
import { connectTo } from "./connect.js";
import type { QuietOrder, QuietPhase } from "./orders.js";

const LOOK_EVERY_MS = 1_000;
/** How long the last messages of a phase may take. */
const ARRIVE_WITHIN_MS = 10_000;

interface Lane {
  readonly channel: string;
  readonly publisher: Wire;
}

export class QuietLoad {
  readonly #order: QuietOrder;
  readonly #lanes: Lane[] = [];
  readonly #wires: Wire[] = [];
  #look: NodeJS.Timeout | undefined;
  #published = 0;
  #delivered = 0;
  #refused = 0;
  #refusals: Record<string, number> = {};
  #retryMs = 0;
  #lateMs = 0;
  #latenciesMs: number[] = [];

  constructor(order: QuietOrder) {
    this.#order = order;
  }

  /** Each channel's publisher and subscriber are on different gateways, if there are several. */
  async prepare(): Promise<void> {
    const { gateways, channels } = this.#order;
    for (const i of gateways.keys()) this.#wires.push(await connectTo(this.#order, i, this));
    for (let i = 0; i < channels; i++) {
      const channel = `quiet.c${i}`;
      const subscriber = this.#wires[(i + 1) % gateways.length]!;
      await subscriber.ask({ op: "sub", ch: channel });
      this.#lanes.push({ channel, publisher: this.#wires[i % gateways.length]! });
    }
    this.#look = setInterval(() => {
      for (const wire of this.#wires) wire.look(performance.now());
    }, LOOK_EVERY_MS);
  }

  async phase(seconds: number): Promise<QuietPhase> {
    this.#published = this.#delivered = this.#refused = this.#retryMs = this.#lateMs = 0;
    this.#refusals = {};
    this.#latenciesMs = [];
    const everyMs = 1_000 / this.#order.rate;
    const startedAt = performance.now();
    for (let i = 0; i < this.#order.rate * seconds; i++) {
      const dueAt = startedAt + i * everyMs;
      const waitMs = dueAt - performance.now();
      if (waitMs > 1) await pause(waitMs);
      this.#lateMs = Math.max(this.#lateMs, performance.now() - dueAt);
      this.#publish(this.#lanes[i % this.#lanes.length]!, dueAt);
    }
    const deadlineAt = performance.now() + ARRIVE_WITHIN_MS;
    while (this.#delivered + this.#refused < this.#published && performance.now() < deadlineAt)
      await pause(20);
    return {
      published: this.#published,
      delivered: this.#delivered,
      refused: this.#refused,
      refusals: this.#refusals,
      retryMs: this.#retryMs,
      lateMs: this.#lateMs,
      latenciesMs: this.#latenciesMs,
    };
  }

  frame(_wire: Wire, frame: ServerFrame): void {
    if (frame.op !== "msg") return;
    const now = performance.now();
    for (const { data } of frame.m) {
      this.#delivered++;
      this.#latenciesMs.push(now - (data as { dueAt: number }).dueAt);
    }
  }

  closed(wire: Wire): void {
    if (!wire.left) throw new Error("a connection of the quiet tenant was closed");
  }

  stop(): void {
    clearInterval(this.#look);
    for (const wire of this.#wires) wire.leave();
  }

  #publish({ channel, publisher }: Lane, dueAt: number): void {
    this.#published++;
    const waiter: Waiter = {
      answered: () => undefined,
      refused: (reason: ErrFrame | "closed" | "overdue") => {
        this.#refused++;
        const said = typeof reason === "string" ? reason : `${reason.code}, ${reason.message}`;
        if (typeof reason !== "string") this.#retryMs = Math.max(this.#retryMs, reason.retry ?? 0);
        this.#refusals[said] = (this.#refusals[said] ?? 0) + 1;
      },
    };
    publisher.queue({ op: "pub", ch: channel, data: { dueAt } }, waiter);
    publisher.flush();
  }
}
