/** Routers over a real NATS server, on whose other side a test plays the cells. */
import { afterEach, beforeEach } from "node:test";
import { decodeCommands, encodeAnswers, type WireAnswer, type WireCommand } from "../commands.js";
import type { CellEntry, Directory } from "../directory.js";
import type { DirectoryStore } from "../directory-store.js";
import type { Msg, NatsConnection, Subscription } from "../nats.js";
import { Router } from "../router.js";
import type { RouterOptions } from "../router-options.js";
import { type Broker, silent } from "./brokers.js";
import { natsForFile } from "./bus.js";

export interface Received {
  readonly message: Msg;
  readonly commands: WireCommand[];
  answer(...answers: WireAnswer[]): void;
}

export interface RouterStage {
  readonly broker: Broker;
  /** The connection of the routers. */
  readonly nats: NatsConnection;
  /** The connection of the cells. */
  readonly cells: NatsConnection;
  /** What the routers go by: one cell, `eu-1`, at the beginning of each test. */
  readonly directory: { current: Directory };
  /** One that is stopped after the test. */
  router(options?: Partial<RouterOptions>): Router;
  /** Takes commands until the test is over; what comes is kept, and given to `respond`. */
  serve(
    subject: string,
    respond: (received: Received) => void,
  ): Promise<{ received: Received[]; subscription: Subscription }>;
}

export function routersForFile(): RouterStage {
  const directory: RouterStage["directory"] = { current: { version: 0, cells: [] } };
  const routers: Router[] = [];
  const subscriptions: Subscription[] = [];
  let nats: NatsConnection;
  let askers = 0;
  const bus = natsForFile(async (running) => {
    nats = await running.connect("router");
  });
  beforeEach(() => {
    directory.current = { version: 1, cells: [cellEntry("eu-1")] };
  });
  afterEach(async () => {
    for (const router of routers.splice(0)) router.stop();
    for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
    await bus.nats.flush();
  });
  return {
    get broker() {
      return bus.broker;
    },
    get nats() {
      return nats;
    },
    get cells() {
      return bus.nats;
    },
    directory,
    router(options) {
      const context = { nats, directory: directory as DirectoryStore, asker: `g${++askers}`, log: silent };
      const router = new Router({ ...context, options: { deadlineMs: 5_000, ...options } });
      routers.push(router);
      return router;
    },
    async serve(subject, respond) {
      const received: Received[] = [];
      const callback = (_error: Error | null, message: Msg) => {
        const answer = (...answers: WireAnswer[]) => void message.respond(encodeAnswers(answers));
        const one = { message, commands: decodeCommands(message.data), answer };
        received.push(one);
        respond(one);
      };
      const subscription = bus.nats.subscribe(subject, { queue: "owner", callback });
      subscriptions.push(subscription);
      await bus.nats.flush();
      return { received, subscription };
    },
  };
}

export function cellEntry(id: string): CellEntry {
  return { id, region: "eu", state: "active", weight: 1 };
}

/** Where a channel stands is in its name: chat.7 at 7. */
export function headOf(channel: string) {
  return { head: { epoch: "e", seq: Number(channel.split(".")[1]) }, presence: null, members: 0 };
}

export function answerHead([correlation, , , channel]: WireCommand): WireAnswer {
  return [correlation, null, headOf(channel)];
}

export function answerHeads({ commands, answer }: Received): void {
  answer(...commands.map(answerHead));
}
