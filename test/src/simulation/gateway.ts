/**
 * One gateway's part in one channel: runs the product's `Relay` as `channel-relay.ts` does, one lane of publishes as
 * `publisher.ts` does, and brings subscribers from where they are to where the relay is.
 */
import { Relay, type RelayEffect } from "@plexus/gateway/cores";
import { opOf, type Position, readHead } from "@plexus/protocol";
import type {
  Commands,
  Directory,
  HeadAnswer,
  PublishAnswer,
  PublishItem,
  ReadAnswer,
} from "@plexus/runtime";
import { homeOf, publishBatch, publishedAt } from "@plexus/runtime";
import type { Bug } from "./bugs.js";
import { Caller, type Cells, TENANT } from "./calls.js";
import { type Host, Joining, type Reader } from "./joining.js";
import type { Network } from "./network.js";
import { type Life, newLife, type Schedule } from "./schedule.js";

const FETCH_MESSAGES = 1_000;
const FIRST_CHECK_MS = 300;
const CHECK_INTERVAL_MS = 30_000;
const RETRY_MS = 250;
const MOVE_SPREAD_MS = 2_000;
const BOUNDS = { tailRecords: 4, tailBytes: 10_000, heldRecords: 5 };

/** Null: it failed, and may be stored or not. */
export type Published = (position: Position | null) => void;

export interface GatewayContext {
  readonly network: Network;
  readonly cells: Cells;
  readonly channel: string;
  readonly bug: Bug | null;
}

export class Gateway implements Host {
  readonly name: string;
  readonly context: GatewayContext;
  life: Life = newLife();
  directory: Directory;
  relay = new Relay(BOUNDS);
  #caller: Caller;
  #subscribers = new Set<Reader>();
  #lane: Array<{ item: PublishItem; done: Published }> = [];
  #publishing = false;
  #checking = false;
  #nextCheckAt = Number.POSITIVE_INFINITY;
  /** Whoever waits for the comparison of heads that is under way. */
  #afterwards: Array<(answered: boolean) => void> = [];

  constructor(context: GatewayContext, name: string, directory: Directory) {
    this.context = context;
    this.name = name;
    this.directory = directory;
    this.#caller = this.#newCaller();
    this.check();
  }

  get schedule(): Schedule {
    return this.context.network.schedule;
  }

  /** The process is killed: its connections end, and another one begins. */
  crash(directory: Directory): void {
    this.life.alive = false;
    this.life = newLife();
    this.directory = directory;
    this.relay = new Relay(BOUNDS);
    this.#caller = this.#newCaller();
    this.#lane = [];
    this.#publishing = false;
    this.#checking = false;
    this.#afterwards = [];
    this.#subscribers.clear();
    this.check();
  }

  sees(directory: Directory): void {
    if (directory.version <= this.directory.version) return;
    const home = this.#home;
    this.directory = directory;
    if (this.#home !== home) this.#checkAt(this.schedule.now + this.schedule.random.next() * MOVE_SPREAD_MS);
  }

  join(subscriber: Reader): void {
    new Joining(this, subscriber, this.life).begin();
  }

  /** In the turn in which a subscriber has been brought to where the relay stands. */
  live(subscriber: Reader): void {
    this.#subscribers.add(subscriber);
  }

  leave(subscriber: Reader): void {
    this.#subscribers.delete(subscriber);
  }

  publish(item: PublishItem, done: Published): void {
    this.#lane.push({ item, done });
    if (!this.#publishing) this.#publishNext();
  }

  /** A record came over the bus. */
  event(bytes: Uint8Array): void {
    if (opOf(bytes) !== "msg") return;
    this.relay.record(readHead(bytes)!, bytes, this.schedule.now);
    this.#runEffects();
  }

  /** Asks the actor where the channel stands; `then` is told whether it has said so. */
  check(then?: (answered: boolean) => void): void {
    if (then !== undefined) this.#afterwards.push(then);
    if (this.#checking) return;
    this.#checking = true;
    const { relay } = this;
    const asked = relay.position?.epoch ?? null;
    this.#checkAt(this.schedule.now + CHECK_INTERVAL_MS * (0.75 + this.schedule.random.next() / 2));
    this.#caller.ask({ kind: "head", body: { gateway: this.name } }, (error, body) => {
      this.#checking = false;
      if (error !== null) this.#askFailed(relay);
      else {
        const first = asked !== (relay.position?.epoch ?? null) || asked === null;
        if (first) this.#checkAt(this.schedule.now + FIRST_CHECK_MS);
        relay.headSeen(asked, (body as HeadAnswer).head, this.schedule.now);
        this.#runEffects();
      }
      const afterwards = this.#afterwards;
      this.#afterwards = [];
      for (const run of afterwards) run(error === null);
    });
  }

  read(range: Commands["read"]["ask"], done: (answer: ReadAnswer | null) => void): void {
    this.#caller.ask({ kind: "read", body: range }, (error, body) =>
      done(error === null ? (body as ReadAnswer) : null),
    );
  }

  get #home(): string | undefined {
    return homeOf(this.directory, TENANT, this.context.channel)?.cell;
  }

  #newCaller(): Caller {
    const { network, cells, channel } = this.context;
    return new Caller(network, this.life, cells, channel, () => this.directory);
  }

  #checkAt(at: number): void {
    this.#nextCheckAt = at;
    this.schedule.after(Math.max(0, at - this.schedule.now), this.life, () => this.#checkIfDue());
  }

  #checkIfDue(): void {
    if (this.context.bug === "no_comparison" && this.relay.position !== null) return;
    if (this.#nextCheckAt <= this.schedule.now) this.check();
  }

  #runEffects(): void {
    for (const effect of this.relay.takeEffects()) this.#run(effect);
  }

  #run(effect: RelayEffect): void {
    switch (effect.do) {
      case "deliver":
        for (const subscriber of this.#subscribers) subscriber.receive(effect.bytes);
        return;
      case "reset":
        for (const subscriber of this.#subscribers) subscriber.reset(effect.position);
        return;
      case "fetch":
        return this.#soon(effect.inMs, () => this.#fetch());
      case "lookup":
        return this.#soon(effect.inMs, () => this.check());
    }
  }

  #soon(inMs: number | undefined, run: () => void): void {
    if (inMs === undefined) run();
    else this.schedule.after(inMs, this.life, run);
  }

  #fetch(): void {
    const { relay } = this;
    const { epoch, seq } = relay.position!;
    this.read({ after: seq, epoch, limit: FETCH_MESSAGES }, (answer) => {
      if (answer === null) return this.#askFailed(relay);
      const records = answer.records.map((bytes) => ({ bytes, head: readHead(bytes)! }));
      relay.fetched(epoch, answer, records, this.schedule.now);
      this.#runEffects();
    });
  }

  #askFailed(relay: Relay): void {
    relay.askFailed();
    this.#checkAt(this.schedule.now + RETRY_MS);
  }

  #publishNext(): void {
    const batch = this.#lane;
    this.#lane = [];
    this.#publishing = true;
    this.#caller.ask(
      { kind: "publish", body: publishBatch(batch.map(({ item }) => item)) },
      (error, body) => {
        // What waits behind a batch that failed fails with it: nothing overtakes.
        if (error !== null) for (const { done } of [...batch, ...this.#lane.splice(0)]) done(null);
        else {
          const answer = body as PublishAnswer;
          for (const [i, { done }] of batch.entries())
            done({ epoch: answer[0], seq: publishedAt(answer, i)[0] });
        }
        this.#publishing = false;
        if (this.#lane.length > 0) this.#publishNext();
      },
    );
  }
}
