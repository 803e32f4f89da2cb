/**
 * Two connections that do nothing wrong, on the gateway that is being attacked: one publishes, both read, in JSON and in
 * MessagePack. Whatever the others send, they get every message, in order and unchanged; and of what the others publish
 * themselves, both get the same.
 */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Received } from "../harness/channel-watch.js";
import type { TestCluster } from "../harness/cluster.js";
import type { RawClient } from "../harness/raw-client.js";
import { until } from "../harness/wait.js";
import type { Load } from "./vital-signs.js";

const CHANNEL = "chat.witness";
const PACE_MS = 10;
/** The longest that one publish may take, whatever the others do: a gateway's own deadline. */
const PATIENCE_MS = 10_000;
/** The integers of one byte are what a decoder with a spoilt state would take for something else. */
const NUMBERS = Array.from({ length: 128 }, (_, i) => i);
const LATER = 3;

export class Witness {
  readonly #publisher: RawClient;
  readonly #readers: RawClient[];
  readonly #others: readonly string[];
  readonly #talking: Promise<void>;
  #stopped = false;
  #said = 0;
  #slowestMs = 0;
  #failure: unknown;

  private constructor(readers: RawClient[], others: readonly string[]) {
    this.#publisher = readers[0]!;
    this.#readers = readers;
    this.#others = others;
    this.#talking = this.#talk().catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** `others` are the channels where strange things are published. */
  static async start(cluster: TestCluster, others: readonly string[]): Promise<Witness> {
    const readers = [await cluster.connect("ada", { encoding: "msgpack" }), await cluster.connect("bob")];
    for (const reader of readers) for (const channel of [CHANNEL, ...others]) await reader.sub(channel);
    return new Witness(readers, others);
  }

  /** What the gateway has to hold for it. */
  get load(): Load {
    return { connections: this.#readers.length, channels: 1 + this.#others.length };
  }

  /** Has noticed nothing so far, and goes on. */
  async undisturbed(): Promise<void> {
    const before = this.#said;
    await until("the witness to go on", () => this.#failure !== undefined || this.#said > before + LATER);
    assert.equal(this.#failure, undefined);
    assert.ok(this.#slowestMs < PATIENCE_MS, `an answer took ${Math.round(this.#slowestMs)} ms`);
    for (const reader of this.#readers) {
      const channel = reader.channel(CHANNEL);
      await until("what was said", () => channel.received.length > before);
      channel.assertConsecutive();
      assert.deepEqual(channel.data.at(-1), this.#data((channel.data.at(-1) as { n: number }).n));
      assert.ok(reader.isOpen);
    }
    for (const name of this.#others) await this.#sawTheSame(name);
    for (const reader of this.#readers) reader.frames.length = reader.messages.length = 0;
  }

  /** And forgets it, as there may be much. */
  async #sawTheSame(name: string): Promise<void> {
    const channels = this.#readers.map((reader) => reader.channel(name));
    const [some, others] = channels.map(({ received }) => received);
    await until(`the same on ${name}`, () => some!.length === others!.length);
    assert.deepEqual(some!.map(mark), others!.map(mark));
    for (const channel of channels) {
      channel.assertConsecutive();
      channel.received.length = 0;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#talking;
  }

  async #talk(): Promise<void> {
    while (!this.#stopped) {
      const startedAt = performance.now();
      await this.#publisher.pub(CHANNEL, this.#data(this.#said));
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt);
      this.#said++;
      await pause(PACE_MS);
    }
  }

  #data(n: number): object {
    return { n, numbers: NUMBERS, text: "κόσμε 🙂", nothing: null };
  }
}

/** What is the same in both encodings; half a surrogate pair is U+FFFD in MessagePack. */
function mark({ id, user, seq }: Received): string {
  return `${seq} ${user} ${id.replace(/\p{Surrogate}/gu, "\ufffd")}`;
}
