/**
 * Several clients over a gateway whose connections are cut, refused and sent away at every possible moment:
 * what is acknowledged is stored once and in order, and every subscriber sees all of it, once and in order.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { Plexus } from "./index.js";
import { ModelGateway } from "./testing/model-gateway.js";
import { until } from "./testing/scripted-gateway.js";

/** Deterministic: the same seed gives the same course of faults per frame. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const CHANNELS = ["chat.a", "chat.b"];
const PUBLISHES = 60;

async function conversation(seed: number, maxInFlightPerChannel: number, refusals: number): Promise<void> {
  const gateway = await ModelGateway.start();
  const random = generator(seed);
  const clients = ["ann", "bob", "cyd"].map((user) => {
    const fast = { backoffBaseMs: 2, backoffMaxMs: 10, leaveGraceMs: 20, random };
    return new Plexus({ url: gateway.url, token: () => user, WebSocket, maxInFlightPerChannel, ...fast });
  });
  const seen = new Map<string, string[]>();
  try {
    for (const [i, client] of clients.entries()) {
      void client.connect();
      for (const name of CHANNELS) {
        const got: string[] = [];
        seen.set(`${i} ${name}`, got);
        client.channel(name).on("message", ({ seq, id }) => got.push(`${seq} ${id}`));
        client.channel(name).on("reset", () => got.push("reset"));
        await client.channel(name).subscribe();
      }
    }
    gateway.faults = {
      cutBefore: () => random() < 0.02,
      cutAfter: () => random() < 0.02,
      refuse: () => random() < refusals,
      bye: () => random() < 0.02,
    };
    const acknowledged = clients.flatMap((client, i) =>
      CHANNELS.flatMap((name) =>
        Array.from({ length: PUBLISHES }, (_, n) => client.channel(name).publish(n, { mid: `${i}-${n}` })),
      ),
    );
    await Promise.all(acknowledged);
    const connections = gateway.accepted;
    assert.ok(connections > clients.length, `faults happened (seed ${seed}): ${connections} connections`);
    for (const name of CHANNELS) {
      const stored = gateway.log(name).messages;
      assert.equal(stored.length, clients.length * PUBLISHES, `each stored once (seed ${seed})`);
      for (const [i] of clients.entries()) {
        const mine = stored.filter(({ id }) => id.startsWith(`${i}-`)).map(({ data }) => data);
        assert.deepEqual(mine, [...mine.keys()], `publisher ${i} in order (seed ${seed})`);
        const got = seen.get(`${i} ${name}`)!;
        await until(() => got.length >= stored.length, `subscriber ${i} has all of ${name} (seed ${seed})`);
        assert.deepEqual(
          got,
          stored.map(({ seq, id }) => `${seq} ${id}`),
        );
      }
    }
  } finally {
    for (const client of clients) client.close();
    await gateway.stop();
  }
}

for (let seed = 1; seed <= 8; seed++)
  test(`cuts, refusals and goodbyes at any moment, one publish at a time (seed ${seed})`, () =>
    conversation(seed, 1, 0.1));

for (let seed = 1; seed <= 4; seed++)
  test(`cuts and goodbyes at any moment, pipelined (seed ${seed})`, () => conversation(seed, 16, 0));
