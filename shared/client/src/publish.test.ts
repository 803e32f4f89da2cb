/** Publishing over a scripted gateway: order, retries with the same id, reconnects, deadlines, bounds. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { systemClock } from "./clock.js";
import type { PlexusOptions } from "./index.js";
import {
  connect,
  LIMITS,
  type Peer,
  type ScriptedGateway,
  startGateway,
  until,
} from "./testing/scripted-gateway.js";

let gateway: ScriptedGateway;
beforeEach(async () => {
  gateway = await startGateway();
});
afterEach(() => gateway.stop());

async function ready(options: Partial<PlexusOptions> = {}) {
  const client = gateway.client(options);
  const peer = await connect(gateway, client);
  return { client, peer, channel: client.channel("chat.a") };
}

function ok(peer: Peer, id: number, seq: number, dup?: true): void {
  peer.send({ op: "ok", id, epoch: "e1", seq, ts: 7, ...(dup && { dup }) });
}

test("resolves with where it was stored; data is what it was when it was published", async () => {
  const { peer, channel } = await ready();
  const data = { text: "first", gone: undefined };
  const publishing = channel.publish(data, { mid: "m-1" });
  data.text = "changed";
  const frame = await peer.take("pub");
  assert.deepEqual([frame.ch, frame.mid, frame.data], ["chat.a", "m-1", { text: "first" }]);
  ok(peer, frame.id, 5, true);
  assert.deepEqual(await publishing, { mid: "m-1", epoch: "e1", seq: 5, ts: 7, dup: true });
});

test("the trace that it belongs to goes along, and with every repetition", async () => {
  const { peer, channel } = await ready();
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const publishing = channel.publish(1, { trace });
  const first = await peer.take("pub");
  peer.send({ op: "err", id: first.id, code: "unavailable", message: "away", retry: 1 });
  const second = await peer.take("pub");
  assert.deepEqual([first.trace, second.trace], [trace, trace]);
  ok(peer, second.id, 1);
  await publishing;
  const plain = channel.publish(2);
  const frame = await peer.take("pub");
  assert.ok(!("trace" in frame), "nothing where none was given");
  ok(peer, frame.id, 2);
  await plain;
});

test("strict by default: a publish waits for the one before it; other channels do not", async () => {
  const { client, peer, channel } = await ready();
  const first = channel.publish("a1");
  const second = channel.publish("a2");
  const other = client.channel("chat.b").publish("b1");
  const [a1, b1] = [await peer.take("pub"), await peer.take("pub")];
  assert.deepEqual([a1.data, b1.data], ["a1", "b1"]);
  ok(peer, b1.id, 1);
  await other;
  assert.deepEqual(peer.pending(), []);
  ok(peer, a1.id, 1);
  const a2 = await peer.take("pub");
  ok(peer, a2.id, 2);
  await Promise.all([first, second]);
});

test("a refusal for now holds the channel, and is repeated with the same id before newer ones", async () => {
  const { client, peer, channel } = await ready();
  const publishing = [channel.publish(1, { mid: "m1" }), channel.publish(2, { mid: "m2" })];
  const sent: Array<string | undefined> = [];
  for (const code of ["rate_limited", "unavailable", "timeout"]) {
    const { id, mid } = await peer.take("pub");
    sent.push(mid);
    peer.send({ op: "err", id, code, message: "not now", retry: 5 });
  }
  for (let seq = 1; seq <= 2; seq++) {
    const { id, mid } = await peer.take("pub");
    sent.push(mid);
    ok(peer, id, seq);
  }
  await Promise.all([...publishing, client.flush()]);
  assert.deepEqual(sent, ["m1", "m1", "m1", "m1", "m2"]);
});

test("pipelined: after a refusal they are repeated one by one in their order", async () => {
  const { peer, channel } = await ready({ maxInFlightPerChannel: 8 });
  const publishing = ["m1", "m2", "m3"].map((mid) => channel.publish(mid, { mid }));
  const frames = [await peer.take("pub"), await peer.take("pub"), await peer.take("pub")];
  for (const { id } of frames) peer.send({ op: "err", id, code: "rate_limited", message: "slow", retry: 1 });
  for (const [i, mid] of ["m1", "m2", "m3"].entries()) {
    const frame = await peer.take("pub");
    assert.equal(frame.mid, mid);
    assert.deepEqual(peer.pending(), []);
    ok(peer, frame.id, i + 1);
  }
  await Promise.all(publishing);
});

test("a final refusal rejects with its code, and the next goes on", async () => {
  const { peer, channel } = await ready();
  const refused = assert.rejects(channel.publish("x"), { code: "forbidden" });
  const next = channel.publish("y");
  peer.send({ op: "err", id: (await peer.take("pub")).id, code: "forbidden", message: "no" });
  await refused;
  ok(peer, (await peer.take("pub")).id, 1);
  await next;
});

test("what had no answer when the connection was lost goes again, same id, in order, before newer ones", async () => {
  const { peer, channel } = await ready({ maxInFlightPerChannel: 8 });
  const publishing = [1, 2, 3].map((n) => channel.publish(n, { mid: `m${n}` }));
  ok(peer, (await peer.take("pub")).id, 1);
  await publishing[0];
  peer.kill();
  publishing.push(channel.publish(4, { mid: "m4" }));
  const next = await gateway.accept();
  await next.welcome();
  for (const [i, mid] of ["m2", "m3", "m4"].entries()) {
    const frame = await next.take("pub");
    assert.equal(frame.mid, mid);
    ok(next, frame.id, i + 2);
  }
  assert.deepEqual(await Promise.all(publishing).then((all) => all.map((p) => p.seq)), [1, 2, 3, 4]);
});

test("published while offline: sent once connected", async () => {
  const client = gateway.client();
  const publishing = client.channel("chat.a").publish("early");
  assert.equal(client.queued, 1);
  const peer = await connect(gateway, client);
  ok(peer, (await peer.take("pub")).id, 1);
  assert.equal((await publishing).seq, 1);
  assert.equal(client.queued, 0);
});

test("the deadline: never sent is unavailable, sent without an answer is timeout", async () => {
  const offline = gateway.client({ publishDeadlineMs: 50 });
  await assert.rejects(offline.channel("chat.a").publish("x"), { code: "unavailable" });
  const { peer, channel } = await ready({ publishDeadlineMs: 2_000 });
  const lost = assert.rejects(channel.publish("x"), { code: "timeout" });
  const { id } = await peer.take("pub");
  await lost;
  // An answer that comes too late harms nobody, and makes way.
  ok(peer, id, 1);
  const next = channel.publish("y");
  ok(peer, (await peer.take("pub")).id, 2);
  assert.equal((await next).seq, 2);
});

test("a refused publish whose connection is lost waits for the next one, and for its deadline, without turning round", async () => {
  let timers = 0;
  const setTimer = (run: () => void, delayMs: number) => {
    timers += 1;
    return setTimeout(run, delayMs);
  };
  const clock = { ...systemClock, setTimeout: setTimer };
  const slow = { backoffBaseMs: 60_000, backoffMaxMs: 60_000 };
  const { client, peer, channel } = await ready({ ...slow, clock, publishDeadlineMs: 2_000 });
  const expired = assert.rejects(channel.publish("x"), { code: "rate_limited" });
  const { id } = await peer.take("pub");
  peer.send({ op: "err", id, code: "rate_limited", message: "slower", retry: 20 });
  peer.close(4000);
  await until(() => client.state.name === "reconnecting", "reconnecting");
  timers = 0;
  await expired;
  assert.ok(timers < 10, `${timers} timers until its deadline`);
});

test("the same mid while it is under way is the same publish", async () => {
  const { peer, channel } = await ready();
  const both = [channel.publish("x", { mid: "m" }), channel.publish("x", { mid: "m" })];
  ok(peer, (await peer.take("pub")).id, 1);
  const [one, two] = await Promise.all(both);
  assert.deepEqual(one, two);
  assert.deepEqual(peer.pending(), []);
});

test("no more are under way than the gateway allows", async () => {
  const client = gateway.client({ maxInFlightPerChannel: 100 });
  const opening = client.connect();
  const peer = await gateway.accept();
  await peer.welcome({ limits: { ...LIMITS, inFlight: 2 } });
  await opening;
  const publishing = [1, 2, 3].map((n) => client.channel(`chat.c${n}`).publish(n));
  const first = await peer.take("pub");
  const second = await peer.take("pub");
  const asked = client.channel("chat.a").history();
  const { id } = await peer.take("history");
  assert.deepEqual(peer.pending(), []);
  ok(peer, first.id, 1);
  ok(peer, (await peer.take("pub")).id, 1);
  ok(peer, second.id, 1);
  peer.send({ op: "ok", id, epoch: "e1", messages: [], more: false });
  await Promise.all([...publishing, asked]);
});

test("bounds and what can't be said: full queue, too large, no JSON", async () => {
  const offline = gateway.client({ maxQueuedPublishes: 1 }).channel("chat.a");
  const first = assert.rejects(offline.publish(1), { code: "unavailable" });
  await assert.rejects(offline.publish(2), { code: "limit_reached" });
  const { channel } = await ready();
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  await assert.rejects(channel.publish(circular), { code: "bad_request" });
  await assert.rejects(channel.publish(undefined), { code: "bad_request" });
  await assert.rejects(channel.publish("x".repeat(LIMITS.frameBytes)), { code: "too_large" });
  await gateway.stop();
  await first;
});
