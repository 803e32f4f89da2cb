/** Channels over a scripted gateway: order, gaps, resumption, presence, signals, loops. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { Member } from "@plexus/protocol";
import type { Channel, ChannelMessage, Plexus } from "./index.js";
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
let peer: Peer;
let got: string[];

beforeEach(async () => {
  gateway = await startGateway();
  client = gateway.client();
  channel = client.channel("chat.a");
  got = [];
  channel.on("message", (message) => got.push(`${message.seq}${message.data}`));
  channel.on("reset", ({ from, to }) => got.push(`reset ${from?.seq} ${to.epoch}:${to.seq}`));
  peer = await connect(gateway, client);
});
afterEach(() => gateway.stop());

async function subscribed(seq = 0, options: Parameters<Channel["subscribe"]>[0] = {}, members?: Member[]) {
  const subscribing = channel.subscribe(options);
  const frame = await peer.sub({ seq, ...(members && { members }) });
  await subscribing;
  return frame;
}

async function reconnected(): Promise<Peer> {
  const next = await gateway.accept();
  await next.welcome();
  return next;
}

function member(conn: string, state: unknown = null): Member {
  return { conn, user: conn.slice(0, 1), state, since: 1 };
}

test("messages in the same WebSocket message as the confirmation are not missed", async () => {
  const subscribing = channel.subscribe();
  const { id } = await peer.take("sub");
  const ok = { op: "ok" as const, id, ch: "chat.a", epoch: "e1", seq: 4, recovered: true };
  peer.send(ok, messageFrame(5, ["a", "b"]), messageFrame(7, ["c"]));
  assert.deepEqual(await subscribing, { position: { epoch: "e1", seq: 4 }, recovered: true });
  await until(() => got.length === 3, "three messages");
  assert.deepEqual(got, ["5a", "6b", "7c"]);
  assert.deepEqual(channel.position, { epoch: "e1", seq: 7 });
});

test("since and rewind are asked for; a second subscribe asks nothing", async () => {
  const frame = await subscribed(7, { since: { epoch: "e1", seq: 3 }, rewind: 5 });
  assert.deepEqual([frame.since, frame.rewind], [{ epoch: "e1", seq: 3 }, 5]);
  peer.messages(4, "x");
  await until(() => got.length === 1, "the message after since");
  await channel.subscribe();
  assert.deepEqual(got, ["4x"]);
  assert.deepEqual(peer.pending(), []);
});

test("a duplicate is dropped; a gap is repaired from the position, and nothing is shown across it", async () => {
  await subscribed();
  peer.messages(1, "a", "b");
  peer.messages(2, "b", "c");
  peer.messages(5, "e");
  await peer.take("unsub");
  const repair = await peer.take("sub");
  assert.deepEqual(repair.since, { epoch: "e1", seq: 3 });
  // Frames that were under way before the repair is answered change nothing.
  peer.messages(6, "f");
  peer.send({ op: "ok", id: repair.id, ch: "chat.a", epoch: "e1", seq: 6, recovered: true });
  peer.messages(4, "d", "e", "f");
  await until(() => got.length === 6, "six messages");
  assert.deepEqual(got, ["1a", "2b", "3c", "4d", "5e", "6f"]);
});

test("a gateway that leaves gaps again and again is left, and another one asked", async () => {
  await subscribed();
  for (let i = 0; i < 2; i++) {
    peer.messages(5, "e");
    const { id } = await peer.take("sub");
    peer.send({ op: "ok", id, ch: "chat.a", epoch: "e1", seq: 5, recovered: true });
  }
  peer.messages(5, "e");
  const next = await reconnected();
  assert.deepEqual((await next.sub({ seq: 5 })).since, { epoch: "e1", seq: 0 });
  next.messages(1, "a", "b", "c", "d", "e");
  await until(() => got.length === 5, "all of it");
});

test("a lost connection resumes at the last message; what comes twice is shown once", async () => {
  await subscribed();
  peer.messages(1, "a", "b");
  await until(() => got.length === 2, "two messages");
  peer.kill();
  const next = await reconnected();
  assert.deepEqual((await next.sub({ seq: 3 })).since, { epoch: "e1", seq: 2 });
  next.messages(2, "b", "c");
  await until(() => got.length === 3, "the third");
  assert.deepEqual(got, ["1a", "2b", "3c"]);
});

test("recovered: false after a loss, and an unsolicited reset, are told with both positions", async () => {
  await subscribed();
  peer.messages(1, "a");
  await until(() => got.length === 1, "a message");
  peer.kill();
  const next = await reconnected();
  await next.sub({ epoch: "e2", seq: 9, recovered: false });
  next.send(messageFrame(10, ["j"], "e2"));
  next.send({ op: "reset", ch: "chat.a", epoch: "e3", seq: 1, recovered: false });
  next.send(messageFrame(2, ["k"], "e3"));
  await until(() => got.length === 5, "messages and resets");
  assert.deepEqual(got, ["1a", "reset 1 e2:9", "10j", "reset 10 e3:1", "2k"]);
});

test("a record that can't be read is told of once, and what comes behind it is received on the same connection", async () => {
  await subscribed();
  peer.messages(1, "a");
  const record = JSON.stringify(messageFrame(2, ["b", "c"]));
  peer.sendRaw(record.slice(0, -10));
  peer.messages(4, "d");
  await until(() => got.length === 3, "the message behind it");
  assert.deepEqual(got, ["1a", "reset 1 e1:3", "4d"]);
  assert.deepEqual(client.state.name, "connected");
  peer.sendRaw('{"op":"ok",');
  assert.equal(await peer.closed, 1000, "what is no record can't be passed over");
});

test("what the gateway has left out for want of time is told, and is no gap", async () => {
  await subscribed();
  channel.on("skipped", ({ count, position }) => got.push(`skipped ${count} up to ${position.seq}`));
  peer.messages(1, "a");
  peer.send({ op: "skipped", ch: "chat.a", epoch: "e1", seq: 2, n: 3 });
  peer.messages(5, "e");
  await until(() => got.length === 3, "the message behind them");
  assert.deepEqual(got, ["1a", "skipped 3 up to 4", "5e"]);
});

test("a listener sees the position of its message, and unsubscribing stops the rest of the frame", async () => {
  await subscribed();
  const positions: Array<number | undefined> = [];
  channel.on("message", (message) => {
    positions.push(channel.position?.seq);
    if (message.seq === 2) void channel.unsubscribe();
  });
  peer.messages(1, "a", "b", "c");
  await peer.take("unsub");
  assert.deepEqual(positions, [1, 2]);
  assert.deepEqual(channel.position, { epoch: "e1", seq: 2 });
  assert.equal(channel.state.name, "unsubscribed");
});

test("a refused subscription says why; a retryable refusal is tried again", async () => {
  const refused = channel.subscribe();
  peer.send({ op: "err", id: (await peer.take("sub")).id, code: "forbidden", message: "not you" });
  await assert.rejects(refused, { code: "forbidden" });
  assert.equal(channel.state.name, "failed");
  const again = channel.subscribe();
  peer.send({ op: "err", id: (await peer.take("sub")).id, code: "unavailable", message: "later", retry: 10 });
  await peer.sub();
  await again;
});

test("unsubscribe and subscribe in one turn: the old answer does not count for the new question", async () => {
  await subscribed(3);
  const done = channel.unsubscribe();
  const subscribing = channel.subscribe();
  peer.messages(4, "old");
  const unsub = await peer.take("unsub");
  peer.send({ op: "ok", id: unsub.id });
  await peer.sub({ seq: 8 });
  assert.equal((await subscribing).position.seq, 8);
  await done;
  peer.messages(9, "new");
  await until(() => got.length === 1, "a message");
  assert.deepEqual(got, ["9new"]);
});

test("an unsubscribe that is refused can be repeated, and the channel is left before it is asked for again", async () => {
  await subscribed();
  const refuse = async (code: string) =>
    peer.send({ op: "err", id: (await peer.take("unsub")).id, code, message: "slower", retry: 5 });
  for (let i = 0; i < 2; i++) {
    const leaving = assert.rejects(channel.unsubscribe(), { code: "rate_limited" });
    await refuse("rate_limited");
    await leaving;
  }
  // Both are refused for now: what is tried again is leaving and asking.
  const subscribing = channel.subscribe();
  await refuse("rate_limited");
  const { id } = await peer.take("sub");
  peer.send({ op: "err", id, code: "rate_limited", message: "slower", retry: 5 });
  await refuse("not_subscribed");
  await peer.sub();
  await subscribing;
});

test("subscribing when told of the connection asks once", async () => {
  peer.kill();
  await until(() => client.state.name === "reconnecting", "reconnecting");
  client.on("state", ({ name }) => {
    if (name === "connected") void channel.subscribe();
  });
  const next = await reconnected();
  await next.sub();
  await until(() => channel.state.name === "subscribed", "subscribed");
  const asked = channel.history();
  next.send({ op: "ok", id: (await next.take("history")).id, epoch: "e1", messages: [], more: false });
  await asked;
  assert.deepEqual(next.pending(), []);
});

test("presence asked for later is added from the position, leaving the channel first", async () => {
  await subscribed();
  peer.messages(1, "a");
  await until(() => got.length === 1, "a message");
  const adding = channel.subscribe({ presence: true });
  await peer.take("unsub");
  const frame = await peer.sub({ seq: 1, members: [member("a1")] });
  await adding;
  assert.deepEqual([frame.since, frame.presence], [{ epoch: "e1", seq: 1 }, true]);
  assert.equal(channel.presence.count, 1);
});

test("history is asked anywhere, and survives a lost connection", async () => {
  const asking = channel.history({ before: 50, limit: 20 });
  assert.deepEqual(await peer.take("history").then(({ before, limit }) => [before, limit]), [50, 20]);
  peer.kill();
  const next = await reconnected();
  const { id } = await next.take("history");
  const messages = [{ seq: 49, id: "m", user: "bob", ts: 1, data: "x" }];
  next.send({ op: "ok", id, epoch: "e1", messages, more: true });
  assert.deepEqual(await asking, { epoch: "e1", messages, more: true });
  const refused = channel.history({ after: 0 });
  next.send({ op: "err", id: (await next.take("history")).id, code: "forbidden", message: "no" });
  await assert.rejects(refused, { code: "forbidden" });
});

test("what is misspelt is refused with its name, and not done without it; a limit of none is the gateway's to refuse", async () => {
  const wrong = (name: string) => ({ code: "bad_request", message: new RegExp(`no option "${name}"`) });
  const misspelt = (name: string) => ({ [name]: true }) as object;
  assert.throws(() => channel.subscribe(misspelt("precense")), wrong("precense"));
  assert.throws(() => channel.publish("x", misspelt("id")), wrong("id"));
  await assert.rejects(channel.history(misspelt("form")), wrong("form"));
  assert.equal(channel.state.name, "unsubscribed");
  const asking = channel.history({ limit: 0, before: 0 });
  const { id, limit, before } = await peer.take("history");
  assert.deepEqual([limit, before], [0, 0]);
  peer.send({ op: "err", id, code: "bad_request", message: "no" });
  await assert.rejects(asking, { code: "bad_request" });
});

test("presence: the list, changes, and the difference after a reconnect; the state is said again", async () => {
  const events: string[] = [];
  for (const kind of ["join", "leave", "update"] as const)
    channel.presence.on(kind, ({ conn }) => events.push(`${kind} ${conn}`));
  await assert.rejects(channel.setState({ away: true }), { code: "not_subscribed" });
  const frame = await subscribed(0, { presence: true }, [member("a1"), member("c1")]);
  assert.equal(frame.presence, true);
  peer.send({ op: "presence", ch: "chat.a", join: [member("a2"), member("b1")], leave: [member("c1")] });
  await until(() => channel.presence.count === 3, "three members");
  assert.deepEqual([...channel.presence.users().keys()], ["a", "b"]);
  const setting = channel.setState({ typing: false });
  peer.send({ op: "ok", id: (await peer.take("state")).id });
  await setting;
  peer.kill();
  await until(() => !channel.presence.isLive, "not live");
  assert.equal(channel.presence.count, 3);
  const next = await reconnected();
  await next.sub({ members: [member("a2", 1), member("c2")] });
  assert.deepEqual((await next.take("state")).data, { typing: false });
  const tail = events.slice(5);
  assert.deepEqual(tail, ["join c2", "leave a1", "leave b1", "update a2"]);
});

test("only the latest state is announced, one at a time", async () => {
  await subscribed(0, { presence: true });
  const settings = [channel.setState(1), channel.setState(2), channel.setState(3)];
  const first = await peer.take("state");
  peer.send({ op: "err", id: first.id, code: "rate_limited", message: "slower", retry: 5 });
  const second = await peer.take("state");
  assert.deepEqual([first.data, second.data], [1, 3]);
  peer.send({ op: "ok", id: second.id });
  await Promise.all(settings);
});

test("a state without an answer is rejected when the client closes or fails, and said when it connects again", async () => {
  await subscribed(0, { presence: true }, []);
  const refused: string[] = [];
  channel.setState("here").catch(({ code }) => refused.push(code));
  await peer.take("state");
  client.close();
  await until(() => refused.length === 1, "rejected on closing");
  const next = await connect(gateway, client);
  await next.sub({ members: [] });
  assert.equal((await next.take("state")).data, "here");
  channel.setState("away").catch(({ code }) => refused.push(code));
  next.close(4501, "revoked");
  await until(() => refused.length === 2, "rejected on failing");
  assert.deepEqual(refused, ["unavailable", "unauthorized"]);
});

test("signals go out and come in, from the connection that counts", async () => {
  await subscribed();
  const signals: unknown[] = [];
  channel.on("signal", (signal) => signals.push(signal));
  assert.equal(channel.signal({ typing: true }), true);
  assert.deepEqual((await peer.take("signal")).data, { typing: true });
  peer.send({ op: "signal", ch: "chat.a", user: "bob", conn: "b1", data: 1 });
  await until(() => signals.length === 1, "a signal");
  assert.deepEqual(signals, [{ channel: "chat.a", user: "bob", conn: "b1", data: 1 }]);
  client.close();
  assert.equal(channel.signal(2), false);
});

test("for await: in order, ends with unsubscribe, and several loops are independent", async () => {
  await subscribed();
  const loops = [channel, channel].map(async (source) => {
    const seen: ChannelMessage[] = [];
    for await (const message of source) seen.push(message);
    return seen.map((message) => message.seq);
  });
  const left = channel[Symbol.asyncIterator]();
  const next = left.next();
  peer.messages(1, "a", "b", "c");
  assert.equal((await next).value.seq, 1);
  await left.return?.();
  await until(() => got.length === 3, "three messages");
  void channel.unsubscribe();
  assert.deepEqual(await Promise.all(loops), [
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test("for await: a loop that is too slow gets all that fits, then an error that says where it was", async () => {
  await subscribed();
  const slow = channel.messages({ maxBuffered: 2 });
  peer.messages(1, "a", "b", "c", "d");
  await until(() => got.length === 4, "four messages");
  const seen: number[] = [];
  await assert.rejects(
    async () => {
      for await (const message of slow) seen.push(message.seq);
    },
    { code: "limit_reached", position: { epoch: "e1", seq: 2 } },
  );
  assert.deepEqual(seen, [1, 2]);
});

test("channels are bounded, named once, and can be released", async () => {
  const few = gateway.client({ maxChannels: 1 });
  const one = few.channel("chat.one");
  assert.equal(few.channel("chat.one"), one);
  assert.throws(() => few.channel("chat.two"), { code: "limit_reached" });
  assert.throws(() => few.channel("no spaces"), { code: "bad_request" });
  assert.equal(few.release("chat.one"), true);
  few.channel("chat.two");
  await subscribed();
  assert.equal(client.release("chat.a"), false);
});
