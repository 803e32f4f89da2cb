/**
 * Several clients over a gateway whose connections are cut, refused and sent away at every possible moment:
 * what is acknowledged is stored once and in order, and every subscriber sees all of it, once and in order. Who
 * comes and goes meanwhile is in the end where it asked to be.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { type Channel, Plexus } from "./index.js";
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

/** One who comes and goes: subscribes, asks for presence and unsubscribes, without waiting for any of it. */
async function restless(seed: number): Promise<void> {
  const gateway = await ModelGateway.start();
  const random = generator(seed);
  const fast = { backoffBaseMs: 2, backoffMaxMs: 10, leaveGraceMs: 20, random };
  const client = new Plexus({ url: gateway.url, token: () => "ann", WebSocket, ...fast });
  try {
    await client.connect();
    gateway.faults = { ...gateway.faults, cutBefore: () => random() < 0.01, bye: () => random() < 0.1 };
    for (let i = 0; i < 200; i++) {
      const channel = client.channel(CHANNELS[i % 2]!);
      if (random() < 0.3) void channel.unsubscribe();
      else
        channel
          .subscribe({ presence: random() < 0.3 })
          .catch(({ code }) => assert.equal(code, "not_subscribed"));
      if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 4));
    }
    const [stays, leaves] = CHANNELS.map((name) => client.channel(name)) as [Channel, Channel];
    await Promise.all([stays.subscribe({ presence: true }), leaves.unsubscribe()]);
    const { members } = gateway.log(stays.name);
    const isMember = () => client.state.name === "connected" && members.has(client.state.conn);
    await until(
      () => stays.state.name === "subscribed" && members.size === 1 && isMember(),
      `one member (seed ${seed})`,
    );
    await until(() => gateway.log(leaves.name).subscribers.size === 0, `left behind nowhere (seed ${seed})`);
  } finally {
    client.close();
    await gateway.stop();
  }
}

for (let seed = 1; seed <= 8; seed++)
  test(`subscribing and unsubscribing at any moment of change-overs (seed ${seed})`, () => restless(seed));
