/** A NATS server for the tests of a file, with connections that are closed before it ends. */
import { after, afterEach, before, beforeEach } from "node:test";
import { connectNats, type NatsConnection } from "../nats.js";
import { type Broker, silent, startNats } from "./brokers.js";

export interface TestBus {
  readonly broker: Broker;
  /** The test's own connection. */
  readonly nats: NatsConnection;
  /** One more, as a process of its own has it. */
  connect(name?: string): Promise<NatsConnection>;
  /** What is to be stopped before the connections that are open now are closed; the last one first. */
  atEnd(stop: () => unknown): void;
}

/**
 * From before the first test of this file until after the last.
 *
 * @param ready what else the tests need, once it runs: hooks of one file do not wait for each other
 */
export function natsForFile(ready?: (bus: TestBus) => Promise<void>): TestBus {
  const bus = new Bus();
  before(async () => {
    await bus.start();
    await ready?.(bus);
  });
  after(() => bus.end());
  return bus;
}

/** One for each test of this file: for those that must not see what others have left in it. */
export function natsForEachTest(): TestBus {
  const bus = new Bus();
  beforeEach(() => bus.start());
  afterEach(() => bus.end());
  return bus;
}

class Bus implements TestBus {
  broker!: Broker;
  nats!: NatsConnection;
  #stops: Array<() => unknown> = [];

  async start(): Promise<void> {
    this.broker = await startNats();
    this.atEnd(() => this.broker.stop());
    this.nats = await this.connect();
  }

  async connect(name = "test"): Promise<NatsConnection> {
    const nats = await connectNats(this.broker.url, name, silent);
    this.atEnd(() => nats.close());
    return nats;
  }

  atEnd(stop: () => unknown): void {
    this.#stops.push(stop);
  }

  async end(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }
}
