/** The connections of a load: opened at a bounded rate, kept while they are wanted, some of them coming and going. */
import { setTimeout as pause } from "node:timers/promises";
import { LoadChannel } from "./channels.js";
import { LoadConnection, openFailure, type Target } from "./connection.js";
import type { Meter } from "./meter.js";
import { blockBetween, channelsOf, type Workload } from "./workload.js";

/** Handshakes under way: more would measure how they wait for each other. */
const OPENING_AT_ONCE = 100;
const TRIES = 5;
const RETRY_MS = 500;
/** A connection that was lost comes back after a time at random up to this, as SDKs do. */
const COME_BACK_MS = 1_000;

export interface CrowdOptions {
  readonly targets: readonly Target[];
  /** Taken in turn. */
  readonly tokens: readonly string[];
  /** New connections per second. */
  readonly rampPerSecond: number;
  /** Distinguishes the channels of this run from others. */
  readonly run: string;
  /** Of the step under way. */
  readonly meter: () => Meter;
  readonly random: () => number;
}

interface Member {
  connection: LoadConnection;
  readonly channels: readonly LoadChannel[];
}

export class Crowd {
  readonly #options: CrowdOptions;
  readonly #channels: LoadChannel[] = [];
  readonly #byName = new Map<string, LoadChannel>();
  readonly #members: Member[] = [];
  readonly #sources: LoadConnection[] = [];
  readonly #over = new AbortController();
  #workload: Workload | undefined;
  #opened = 0;
  #published = 0;

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** That are there and have all that they asked for. */
  get ready(): number {
    const count = (all: readonly LoadConnection[]) => all.filter(({ isReady }) => isReady).length;
    return count(this.#members.map(({ connection }) => connection)) + count(this.#sources);
  }
  get inFlight(): number {
    const all = [...this.#members.map(({ connection }) => connection), ...this.#sources];
    return all.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }
  get channels(): readonly LoadChannel[] {
    return this.#channels;
  }
  get connections(): LoadConnection[] {
    return this.#members.map(({ connection }) => connection);
  }
  channelOf(name: string): LoadChannel | undefined {
    return this.#byName.get(name);
  }

  /** Opens what the workload has more than the one before. */
  async grow(workload: Workload): Promise<void> {
    const block = blockBetween(this.#workload, workload);
    this.#workload = workload;
    for (let i = this.#channels.length; i < workload.channels; i++) this.#addChannel(workload.namespace);
    const members = Array.from({ length: block.connections }, (_, i) => () => {
      const channels = channelsOf(block, i, workload.channelsPerConnection).map((n) => this.#channels[n]!);
      return this.#join(channels, this.#options.random() < workload.presenceShare);
    });
    const sources = Array.from({ length: workload.sources - this.#sources.length }, () => async () => {
      const source = this.#connection([], false);
      if (await this.#open(source)) this.#sources.push(source);
    });
    await this.#paced([...members, ...sources]);
  }

  /** Publishes one message: by a source, or by a subscriber to a channel of its own. */
  publish(dueMs: number, bytes: number): void {
    const number = this.#published++;
    const { random } = this.#options;
    if (this.#sources.length > 0) {
      const i = number % this.#sources.length;
      return this.#sources[i]!.publish(this.#channels[i % this.#channels.length]!, number, dueMs, bytes);
    }
    const member = this.#members[Math.floor(random() * this.#members.length)];
    const channel = member?.channels[Math.floor(random() * member.channels.length)];
    if (member === undefined || channel === undefined) return this.#options.meter().error("not_connected");
    member.connection.publish(channel, number, dueMs, bytes);
  }

  /** Somebody leaves, and somebody else comes to the same channels. */
  async replaceOne(): Promise<void> {
    const member = this.#members[Math.floor(this.#options.random() * this.#members.length)];
    if (member === undefined || !member.connection.isReady) return;
    member.connection.leave();
    const { subscriptions, presence } = member.connection;
    member.connection = this.#connection(
      subscriptions.map(({ channel }) => channel),
      presence,
    );
    this.#options.meter().joined++;
    await this.#open(member.connection);
  }

  /** What is being opened, or waits to be, stays away. */
  giveUpOpening(): void {
    this.#over.abort();
  }

  leave(): void {
    this.#over.abort();
    for (const { connection } of this.#members) connection.leave();
    for (const source of this.#sources) source.leave();
  }

  #addChannel(namespace: string): void {
    const channel = new LoadChannel(`${namespace}.${this.#options.run}-${this.#channels.length}`);
    this.#channels.push(channel);
    this.#byName.set(channel.name, channel);
  }

  async #join(channels: readonly LoadChannel[], presence: boolean): Promise<void> {
    const names = channels.map(({ name }) => name);
    const connection = this.#connection(names, presence);
    if (await this.#open(connection)) this.#members.push({ connection, channels });
  }

  #connection(names: readonly string[], presence: boolean): LoadConnection {
    const context = {
      meter: this.#options.meter,
      channelOf: (name: string) => this.#byName.get(name),
      lost: (connection: LoadConnection) => void this.#comeBack(connection),
    };
    return new LoadConnection(context, names, presence);
  }

  async #comeBack(connection: LoadConnection): Promise<void> {
    if (await this.#rest(this.#options.random() * COME_BACK_MS)) await this.#open(connection);
  }

  /** Returns whether it is open in the end; what failed is counted. */
  async #open(connection: LoadConnection): Promise<boolean> {
    const { targets, tokens, meter } = this.#options;
    for (let tries = 0; tries < TRIES && !this.#over.signal.aborted; tries++) {
      const i = this.#opened++;
      try {
        await connection.open(targets[i % targets.length]!, tokens[i % tokens.length]!);
        if (this.#over.signal.aborted) connection.leave();
        return true;
      } catch (error) {
        meter().error(openFailure(error));
        if (!(await this.#rest(RETRY_MS * 2 ** tries))) return false;
      }
    }
    return false;
  }

  /** So many a second, and so many at once. */
  async #paced(tasks: ReadonlyArray<() => Promise<void>>): Promise<void> {
    const everyMs = 1_000 / this.#options.rampPerSecond;
    const startedAt = performance.now();
    const underWay = new Set<Promise<void>>();
    for (const [i, task] of tasks.entries()) {
      const waitMs = startedAt + i * everyMs - performance.now();
      if (waitMs > 1 && !(await this.#rest(waitMs))) break;
      while (underWay.size >= OPENING_AT_ONCE) await Promise.race(underWay);
      if (this.#over.signal.aborted) break;
      const running = task().finally(() => underWay.delete(running));
      underWay.add(running);
    }
    await Promise.all(underWay);
  }

  /** Returns false where everything is over. */
  async #rest(ms: number): Promise<boolean> {
    try {
      await pause(ms, undefined, { signal: this.#over.signal });
      return true;
    } catch (error) {
      if (this.#over.signal.aborted) return false;
      throw error;
    }
  }
}
