/** A cell is drained and activated while clients stay connected; they must not notice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { begin, channelsIn, finished, operate, type Placements, placements } from "./harness/operations.js";
import { TENANT } from "./harness/tokens.js";
import { until } from "./harness/wait.js";

/** For so long a gateway counts that is not heard of. */
const LEASE_MS = 6_000;

let context: Placements;
const cluster = clusterForFile({ cells: ["eu-1", "us-1"], gateways: 2 }, async (running) => {
  context = await placements(running);
});

test("a channel moves there and back under its subscribers, with its history, ids and members", async () => {
  const [channel] = channelsIn(context, "eu-1", "there-and-back", 1) as [string];
  const alice = await cluster.connect("alice", { gateway: "g1" });
  const bob = await cluster.connect("bob", { gateway: "g2" });
  await alice.sub(channel, { presence: true });
  await bob.sub(channel, { presence: true });
  await until("both to be members", async () => (await bob.presence(channel)).count === 2);
  const first = await alice.pub(channel, 1, "first");
  const events = () => bob.frames.filter((frame) => frame.op === "presence" && frame.ch === channel).length;
  const before = events();

  assert.equal((await operate(context, "drain", "eu-1")).state, "done");
  const again = await alice.pub(channel, 1, "first");
  assert.deepEqual([again.seq, again.dup, again.epoch], [first.seq, true, first.epoch]);
  const second = await bob.pub(channel, 2, "second");
  assert.deepEqual([second.epoch, second.seq], [first.epoch, first.seq + 1]);

  assert.equal((await operate(context, "activate", "eu-1")).state, "done");
  const third = await alice.pub(channel, 3, "third");
  assert.deepEqual([third.epoch, third.seq], [first.epoch, first.seq + 2]);
  assert.deepEqual((await alice.pub(channel, 2, "x")).dup, undefined);
  assert.equal((await bob.pub(channel, 2, "second")).dup, true);

  for (const client of [alice, bob]) {
    await until("all messages", () => client.channel(channel).received.length === 4);
    client.channel(channel).assertConsecutive();
    assert.deepEqual(client.channel(channel).data, [1, 2, 3, 2]);
    assert.deepEqual(client.channel(channel).resets, []);
  }
  assert.equal((await bob.presence(channel)).count, 2);
  assert.equal(events(), before, "nobody came or went");

  // The history lies in three stretches of two logs, and reads as one.
  const history = await bob.history(channel);
  assert.deepEqual(
    history.messages.map(({ data }) => data),
    [1, 2, 3, 2],
  );
  assert.equal(history.more, false);
  for (const { seq, data } of history.messages) {
    const page = await bob.history(channel, { after: seq - 1, limit: 1 });
    assert.deepEqual(
      page.messages.map((message) => message.data),
      [data],
    );
  }
  const late = await cluster.connect("carol");
  const since = { epoch: first.epoch, seq: first.seq };
  assert.equal((await late.sub(channel, { since })).recovered, true);
  await until("what lies after", () => late.channel(channel).received.length === 3);
  late.channel(channel).assertConsecutive();
});

test("members of channels that were never written to: a list that is not whole yet says so", async () => {
  const channels = channelsIn(context, "eu-1", "unwritten", 20);
  const alice = await cluster.connect("alice", { gateway: "g1" });
  const asker = await cluster.connect("carol", { gateway: "g2" });
  for (const channel of channels) await alice.sub(channel, { presence: true });
  for (const channel of channels)
    await until("alice to be a member", async () => (await asker.presence(channel)).count === 1);
  // Nothing has to be moved, so it is over before every channel was asked for in its new home.
  assert.equal((await operate(context, "drain", "eu-1")).state, "done");
  for (const channel of channels)
    await until("the list to be whole", async () => {
      const { count, stale } = await asker.presence(channel);
      assert.ok(count === 1 || stale === true, `${channel}: ${count}, and no word of it`);
      return count === 1 && stale !== true;
    });
  await operate(context, "activate", "eu-1");
});

test("a gateway that stands still while a channel moves: the list is not called whole before its lease is over", async () => {
  const [channel] = channelsIn(context, "eu-1", "unannounced", 1) as [string];
  const alice = await cluster.connect("alice", { gateway: "g1" });
  const asker = await cluster.connect("carol", { gateway: "g2" });
  await alice.sub(channel, { presence: true });
  await until("alice to be a member", async () => (await asker.presence(channel)).count === 1);
  const gateway = cluster.process("g1");
  gateway.kill("SIGSTOP");
  const stoppedAt = performance.now();
  try {
    assert.equal((await operate(context, "drain", "eu-1")).state, "done");
    while (performance.now() - stoppedAt < LEASE_MS) {
      const { count, stale } = await asker.presence(channel);
      assert.ok(count === 1 || stale === true, `${count}, and no word of it`);
    }
  } finally {
    gateway.kill("SIGCONT");
  }
  await until("the list to be whole", async () => {
    const { count, stale } = await asker.presence(channel);
    return count === 1 && stale !== true;
  });
  await operate(context, "activate", "eu-1");
});

test("channels nobody uses move too, and nothing is left behind", async () => {
  const channels = channelsIn(context, "eu-1", "quiet", 200);
  const alice = await cluster.connect("alice");
  const positions = new Map<string, number>();
  for (const channel of channels) positions.set(channel, (await alice.pub(channel, channel)).seq);
  const operation = await operate(context, "drain", "eu-1");
  assert.ok((operation.progress["eu-1"]?.moved ?? 0) >= channels.length);
  const nats = await cluster.nats();
  for (const channel of channels) {
    const question = JSON.stringify({ last_by_subj: `log.eu-1.${TENANT}.${channel}` });
    const last = await nats.request("$JS.API.DIRECT.GET.LOG_eu-1", question, { timeout: 10_000 });
    assert.equal((last.json() as { op: string }).op, "seal", channel);
  }
  for (const channel of channels.slice(0, 20)) {
    const { messages } = await alice.history(channel);
    assert.deepEqual(
      messages.map(({ data }) => data),
      [channel],
    );
    assert.equal((await alice.pub(channel, "more")).seq, positions.get(channel)! + 1);
  }
  await operate(context, "activate", "eu-1");
});

test("a drain that is turned around leaves every channel whole", async () => {
  const channels = channelsIn(context, "eu-1", "turned", 60);
  const alice = await cluster.connect("alice");
  for (const channel of channels) await alice.sub(channel);
  const sent = new Map(channels.map((channel) => [channel, 0]));
  const publishAll = () =>
    Promise.all(
      channels.map(async (channel) => {
        const n = sent.get(channel)! + 1;
        sent.set(channel, n);
        await alice.pub(channel, n);
      }),
    );
  await publishAll();
  const drain = await begin(context, "drain", "eu-1");
  await publishAll();
  const activate = await begin(context, "activate", "eu-1");
  await publishAll();
  assert.equal((await finished(context, activate)).state, "done");
  assert.ok(["superseded", "done"].includes((await finished(context, drain)).state));
  await publishAll();
  for (const channel of channels) {
    await until(`all of ${channel}`, () => alice.channel(channel).received.length === 4);
    alice.channel(channel).assertConsecutive();
    assert.deepEqual(alice.channel(channel).data, [1, 2, 3, 4]);
    assert.deepEqual(alice.channel(channel).resets, []);
  }
});

test("the last active cell can't be drained, nor two at once", async () => {
  const conflict = { code: "conflict" };
  const drain = await begin(context, "drain", "eu-1");
  await assert.rejects(begin(context, "drain", "us-1"), conflict);
  await finished(context, drain);
  await assert.rejects(begin(context, "drain", "us-1"), conflict);
  await assert.rejects(begin(context, "drain", "nowhere-1"), { code: "not_found" });
  await operate(context, "activate", "eu-1");
});
