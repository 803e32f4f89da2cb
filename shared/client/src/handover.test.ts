/** Changing over to another gateway before leaving the one that says goodbye. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { Channel, Plexus } from "./index.js";
import {
  connect,
  messageFrame,
  type Peer,
  type ScriptedGateway,
  startGateway,
  until,
} from "./testing/scripted-gateway.js";

let gateway: ScriptedGateway;
let client: Plexus;
let channel: Channel;
let old: Peer;
let got: string[];
const BYE = {
  op: "bye",
  code: "draining",
  reason: "gateway is draining",
  reconnect: { min: 1, max: 5 },
} as const;

beforeEach(async () => {
  gateway = await startGateway();
  client = gateway.client();
  channel = client.channel("chat.a");
  got = [];
  channel.on("message", (message) => got.push(`${message.seq}${message.data}`));
  channel.on("reset", () => got.push("reset"));
  old = await connect(gateway, client);
  const subscribing = channel.subscribe({ presence: true });
  await old.sub({ members: [] });
  await subscribing;
});
afterEach(() => gateway.stop());

/** The gateway says goodbye; the next one, which has been greeted. */
async function changing(from: Peer, gatewayId: string): Promise<Peer> {
  from.send(BYE);
  const next = await gateway.accept();
  await next.welcome({ gateway: gatewayId });
  return next;
}

function gatewayName(): string {
  const state = client.state;
  return state.name === "connected" ? state.gateway : state.name;
}

test("no gap and no duplicate: both bring messages, each is shown once, and the state stays connected", async () => {
  const states: string[] = [];
  client.on("state", (state) => states.push(state.name));
  old.messages(1, "a");
  await until(() => got.length === 1, "a message");
  const next = await changing(old, "gw-2");
  const sub = await next.take("sub");
  assert.deepEqual([sub.since, sub.presence], [{ epoch: "e1", seq: 1 }, true]);
  // The old gateway still serves while the new one is asked.
  old.messages(2, "b", "c");
  await until(() => got.length === 3, "messages from the old gateway");
  assert.equal(gatewayName(), "gw-1");
  next.send({ op: "ok", id: sub.id, ch: "chat.a", epoch: "e1", seq: 3, recovered: true, members: [] });
  next.messages(2, "b", "c", "d");
  old.messages(4, "d", "e");
  next.messages(5, "e", "f");
  assert.equal(await old.closed, 1000);
  await until(() => got.length === 6, "the rest");
  assert.deepEqual(got, ["1a", "2b", "3c", "4d", "5e", "6f"]);
  assert.equal(gatewayName(), "gw-2");
  assert.deepEqual(states, ["connected"]);
});

test("publishes under way are answered by the old connection; the next goes over the new one, in order", async () => {
  const first = channel.publish(1, { mid: "m1" });
  const second = channel.publish(2, { mid: "m2" });
  const { id } = await old.take("pub");
  const next = await changing(old, "gw-2");
  await next.sub();
  await until(() => gatewayName() === "gw-2", "changed over");
  assert.deepEqual(next.pending(), []);
  old.send({ op: "ok", id, epoch: "e1", seq: 1, ts: 1 });
  assert.equal((await first).seq, 1);
  const pub = await next.take("pub");
  assert.equal(pub.mid, "m2");
  next.send({ op: "ok", id: pub.id, epoch: "e1", seq: 2, ts: 1 });
  assert.equal((await second).seq, 2);
  assert.equal(await old.closed, 1000);
});

test("what the old connection never answers is repeated on the new one with the same id", async () => {
  const publishing = channel.publish(1, { mid: "m1" });
  await old.take("pub");
  old.send(BYE);
  const next = await gateway.accept();
  await next.welcome();
  await next.sub();
  old.kill();
  const pub = await next.take("pub");
  assert.equal(pub.mid, "m1");
  next.send({ op: "ok", id: pub.id, epoch: "e1", seq: 1, ts: 1, dup: true });
  assert.equal((await publishing).dup, true);
});

test("an old gateway that ends early: the change-over goes on as a reconnect", async () => {
  old.send(BYE);
  const next = await gateway.accept();
  old.kill();
  await until(() => client.state.name === "reconnecting", "reconnecting");
  await next.welcome({ gateway: "gw-2" });
  await next.sub({ seq: 1 });
  next.messages(1, "a");
  await until(() => got.length === 1, "a message");
  assert.equal(gatewayName(), "gw-2");
});

test("a new gateway that fails is followed by another, while the old one serves", async () => {
  old.send(BYE);
  (await gateway.accept()).close(4002);
  const third = await gateway.accept();
  old.messages(1, "a");
  await until(() => got.length === 1, "a message");
  await third.welcome({ gateway: "gw-3" });
  const sub = await third.sub({ seq: 1 });
  assert.deepEqual(sub.since, { epoch: "e1", seq: 1 });
  await until(() => gatewayName() === "gw-3", "changed over");
});

test("a new gateway that is slow to restore is used all the same, once its time is over", async () => {
  const impatient = gateway.client({ handoverTimeoutMs: 60 });
  const first = await connect(gateway, impatient);
  void impatient.channel("chat.b").subscribe();
  await first.sub();
  const second = await changing(first, "gw-2");
  await second.take("sub");
  assert.equal(await first.closed, 1000);
});

test("presence and signals count from one connection at a time", async () => {
  const joined: string[] = [];
  const signals: unknown[] = [];
  channel.presence.on("join", ({ conn }) => joined.push(conn));
  channel.on("signal", ({ data }) => signals.push(data));
  const member = (conn: string) => ({ conn, user: "x", state: null, since: 1 });
  old.send(BYE);
  const next = await gateway.accept();
  await next.welcome();
  await next.sub({ members: [member("x1")] });
  await until(() => joined.length === 1, "the new list");
  old.send({ op: "presence", ch: "chat.a", join: [member("x2")] });
  old.send({ op: "signal", ch: "chat.a", user: "x", conn: "x1", data: "old" });
  next.send({ op: "signal", ch: "chat.a", user: "x", conn: "x1", data: "new" });
  await until(() => signals.length === 1, "a signal");
  assert.deepEqual([joined, signals], [["x1"], ["new"]]);
});

/** The next gateway is asked for `chat.a`; until that is answered both connections serve. */
async function halfWay() {
  const next = await changing(old, "gw-2");
  const { id } = await next.take("sub");
  const ok = { op: "ok" as const, id, ch: "chat.a", epoch: "e1", seq: 0, recovered: true, members: [] };
  const changeOver = async () => {
    next.send(ok);
    await until(() => gatewayName() === "gw-2", "changed over");
  };
  return { next, changeOver };
}

test("a channel that is subscribed half-way is asked for on the new connection as well", async () => {
  const { next, changeOver } = await halfWay();
  const late = client.channel("chat.b");
  const subscribing = late.subscribe();
  await old.sub({ seq: 4 });
  await subscribing;
  await changeOver();
  assert.deepEqual((await next.sub({ seq: 4 })).since, { epoch: "e1", seq: 4 });
  assert.equal(await old.closed, 1000);
  await until(() => late.state.name === "subscribed", "subscribed there");
  assert.deepEqual(next.pending(), []);
});

test("a channel that has no answer half-way is asked for on the new connection, which answers for both", async () => {
  const { next, changeOver } = await halfWay();
  const subscribing = client.channel("chat.b").subscribe({ rewind: 3 });
  await old.take("sub");
  await changeOver();
  assert.equal((await next.sub({ seq: 4 })).rewind, 3);
  assert.equal((await subscribing).position.seq, 4);
});

test("presence that is added half-way counts on the new connection, which is left and asked again", async () => {
  const { next, changeOver } = await halfWay();
  await changeOver();
  const plain = client.channel("chat.b");
  const subscribing = plain.subscribe();
  await next.sub();
  await subscribing;
  const third = await changing(next, "gw-3");
  const restores = [await third.take("sub"), await third.take("sub")];
  const adding = plain.subscribe({ presence: true });
  assert.equal((await next.sub({ members: [] })).presence, true);
  await adding;
  for (const { id, ch } of restores)
    third.send({ op: "ok", id, ch, epoch: "e1", seq: 0, recovered: true, members: [] });
  assert.equal((await third.take("unsub")).ch, "chat.b");
  assert.equal((await third.sub({ members: [] })).presence, true);
  assert.equal(await next.closed, 1000);
  await until(() => plain.state.name === "subscribed" && plain.presence.isLive, "a member there");
  assert.deepEqual(third.pending(), []);
});

test("presence that is added where the new connection has the channel already, before it counts, is asked for there too", async () => {
  const plain = client.channel("chat.b");
  const seen: unknown[] = [];
  plain.on("message", ({ data }) => seen.push(data));
  const subscribing = plain.subscribe();
  await old.sub();
  await subscribing;
  const next = await changing(old, "gw-2");
  const questions = [await next.take("sub"), await next.take("sub")];
  const ok = { op: "ok" as const, epoch: "e1", seq: 0, recovered: true, members: [] };
  const answer = (ch: string) => next.send({ ...ok, ch, id: questions.find((sub) => sub.ch === ch)!.id });
  answer("chat.b");
  next.send({ ...messageFrame(1, ["x"]), ch: "chat.b" });
  await until(() => seen.length === 1, "the new connection to have it");
  const adding = plain.subscribe({ presence: true });
  old.send({ op: "ok", id: (await old.take("unsub")).id });
  const { id } = await old.take("sub");
  answer("chat.a");
  await until(() => gatewayName() === "gw-2", "changed over");
  old.send({ ...ok, id, ch: "chat.b", seq: 1 });
  next.send({ op: "ok", id: (await next.take("unsub")).id });
  assert.equal((await next.sub({ seq: 1, members: [] })).presence, true);
  await adding;
  assert.equal(await old.closed, 1000);
  await until(() => plain.state.name === "subscribed" && plain.presence.isLive, "a member there");
});

test("unsubscribing half-way asks both at once, and fails where one refuses; then that one is left before it is asked again", async () => {
  const { next, changeOver } = await halfWay();
  const leaving = assert.rejects(channel.unsubscribe(), { code: "rate_limited" });
  const again = channel.subscribe();
  old.send({ op: "ok", id: (await old.take("unsub")).id });
  await old.sub({ seq: 2 });
  assert.equal((await again).position.seq, 2);
  const { id } = await next.take("unsub");
  next.send({ op: "err", id, code: "rate_limited", message: "slower", retry: 5 });
  await leaving;
  await changeOver();
  next.send({ op: "ok", id: (await next.take("unsub")).id });
  await next.sub({ seq: 2 });
  assert.equal(await old.closed, 1000);
  await until(() => channel.state.name === "subscribed", "subscribed there");
  assert.deepEqual(next.pending(), []);
});

test("a token that is renewed meanwhile is said on the new connection too, which has the one before", async () => {
  let fetched = 0;
  const renewing = gateway.client({ token: () => `opaque-${++fetched}` });
  const opening = renewing.connect();
  const first = await gateway.accept();
  await first.welcome({ expires: Date.now() + 5_000 });
  await opening;
  first.send(BYE);
  const second = await gateway.accept();
  const auth = await first.take("auth");
  first.send({ op: "ok", id: auth.id, expires: Date.now() + 3_600_000 });
  const hello = await second.welcome({ gateway: "gw-2", expires: Date.now() + 200 });
  assert.deepEqual([hello.token, auth.token], ["opaque-1", "opaque-2"]);
  assert.equal((await second.take("auth")).token, "opaque-2");
  assert.equal(fetched, 2);
});
