/**
 * The actors of a worker together. One question for the heads of many channels is answered as if each had been asked alone,
 * or the channel is left out; and what they keep in memory is bounded.
 */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { channelKey } from "@plexus/protocol";
import { type HeadsAnswer, partitionOf, Settings, type WireCommand } from "@plexus/runtime";
import { silent, until } from "@plexus/runtime/testing";
import type { ActorContext } from "./actor-context.js";
import { Actors } from "./actors.js";
import { Channel } from "./channel.js";
import type { PresenceStore } from "./presence-store.js";
import { batch, item } from "./testing/channels.js";
import { MemoryLog } from "./testing/memory-log.js";

const PARTITION = 7;
/** Channels of one partition, and one of another. */
const [A, B, C, ELSEWHERE] = names();

let log: MemoryLog;
let answers: Map<number, unknown>;
let actors: Actors;
let asked = 0;

beforeEach(() => {
  [log, answers] = [new MemoryLog(), new Map()];
  const context: Partial<ActorContext> = {
    cell: "eu-1",
    log,
    logIsAway: () => false,
    placement: {
      isHome: (_, channel) => channel !== C,
      previousHomes: () => [],
      stateOf: () => "active" as const,
      cameLately: () => false,
    },
    presence: { load: async () => [] } as unknown as PresenceStore,
    settings: new Settings(),
    logger: silent,
    answer: ({ correlation }, error, body) => void answers.set(correlation, error ?? body),
  };
  const options = { maxActors: 3, idleActorMs: 60_000, maxTailBytes: 100_000 };
  actors = new Actors(context as ActorContext, options);
});
afterEach(() => actors.stop());

function names(): [string, string, string, string] {
  const all = Array.from({ length: 2_000 }, (_, i) => `chat.${i}`);
  const isNear = (channel: string) => partitionOf(channelKey("t", channel)) === PARTITION;
  const [a, b, c] = all.filter(isNear) as [string, string, string];
  return [a, b, c, all.find((channel) => !isNear(channel))!];
}

function ask(kind: string, channel: string, body: unknown): Promise<unknown> {
  const correlation = ++asked;
  const command = [correlation, kind, "t", channel, body] as unknown as WireCommand;
  actors.handle(command, { reply: "r", correlation, at: 0 });
  return until("an answer", () => answers.get(correlation));
}

async function heads(...channels: string[]): Promise<Array<number | null>> {
  const keys = channels.map((channel) => channelKey("t", channel));
  const { heads: found } = (await ask("heads", channels[0]!, { gateway: "g1", keys })) as HeadsAnswer;
  return found.map((each) => each?.[1] ?? null);
}

test("each channel's head, whether it is in memory or has to be read first", async () => {
  await ask("publish", A, batch(item("m1"), item("m2")));
  await ask("publish", B, batch(item("m3")));
  assert.deepEqual(await heads(A, B), [2, 1]);
  actors.stop();
  assert.deepEqual(await heads(B, A), [1, 2]);
});

test("no answer for what is of another partition, or at home elsewhere, or one channel too many", async () => {
  await ask("publish", A, batch(item("m1")));
  assert.deepEqual(await heads(A, ELSEWHERE, C), [1, null, null]);
  assert.deepEqual(await heads(A, B), [1, 0]);
  const fourth = `${A}.x`;
  assert.deepEqual(actors.size, 3);
  assert.deepEqual(await heads(fourth), [null]);
});

test("a log that does not answer costs one channel its answer, and not the others", async () => {
  await ask("publish", A, batch(item("m1")));
  log.silent = true;
  assert.deepEqual(await heads(A, B), [1, null]);
});

test("the tails of all actors are counted until these are closed; too much goes, what is old first", async () => {
  const large = (id: string) => batch(item(id, { bytes: 40_000 }));
  await ask("publish", A, large("m1"));
  await ask("publish", B, large("m2"));
  assert.ok(actors.held.tails.bytes > 80_000);
  actors.sweep(Date.now());
  assert.ok(actors.held.tails.bytes > 80_000, "as much as there may be");
  await ask("publish", A, large("m3"));
  actors.sweep(Date.now());
  assert.equal(actors.held.tails.bytes, 0, "all is young");
  await ask("publish", A, large("m4"));
  await ask("publish", B, large("m5"));
  assert.ok(actors.held.tails.bytes > 80_000);
  actors.stop();
  assert.equal(actors.held.tails.bytes, 0);
});

test("an actor that is asked for its head now and then forgets the ids of its last messages all the same", async (t) => {
  const forgotten = t.mock.method(Channel.prototype, "forgetOldIds");
  await ask("publish", A, batch(item("m1")));
  for (let sweep = 0; sweep < 20; sweep++) {
    assert.deepEqual(await heads(A), [1]);
    actors.sweep(Date.now());
  }
  assert.ok(forgotten.mock.callCount() > 0);
});
