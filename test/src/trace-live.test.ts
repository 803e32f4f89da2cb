/** `plexus trace`: a channel's messages through every process, live, while nobody exports anything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Admin, cli, startCli } from "./harness/admin.js";
import { PlainBot } from "./harness/bot.js";
import { clusterForFile } from "./harness/cluster.js";
import { TENANT } from "./harness/tokens.js";
import { until } from "./harness/wait.js";

interface Hop {
  stage: string;
  process: string;
  at: number;
  by: "exact" | "within" | "clock";
  receivers?: number;
}
interface MessageTrace {
  by: string;
  seq: number;
  hops: Hop[];
}

const cluster = clusterForFile({ admin: true, gateways: 2 });
const admin = new Admin(cluster);

/** Starts to follow a channel, and resolves once the processes do. */
async function follow(channel: string, ...more: string[]) {
  const run = startCli(cluster, "trace", TENANT, channel, "--json", ...more);
  await new Promise<void>((resolve) => {
    run.child.stderr!.on("data", (chunk: Buffer) => chunk.includes("following") && resolve());
  });
  for (const id of ["g1", "g2", "eu-1-w1"])
    await until(`${id} to follow`, async () => (await sessions(id)) > 0);
  return run;
}

async function sessions(id: string): Promise<number> {
  return (await cluster.metrics(id)).sum("plexus_trace_sessions");
}

const hopsOf = ({ hops }: MessageTrace, process?: string) =>
  hops.filter((hop) => process === undefined || hop.process === process);
const stages = (hops: Hop[]) => hops.map(({ stage }) => stage);

test("messages of a client, of a bot and of the admin API, through two gateways", async () => {
  const channel = "chat.followed";
  const alice = await cluster.connect("alice", { gateway: "g1" });
  const bob = await cluster.connect("bob", { gateway: "g2" });
  await alice.sub(channel);
  await bob.sub(channel);
  const run = await follow(channel, "--limit", "3");
  const { seq } = await alice.pub(channel, { text: "a secret" });
  await new PlainBot(await cluster.nats(), "helper").ok("publish", channel, { data: "from a bot" });
  await admin.post(`/v1/tenants/${TENANT}/channels/${channel}/messages`, { user: "ops", data: 1 });
  const { code, out, err } = await run.ended;
  assert.equal(code, 0, err);
  assert.ok(!out.includes("a secret"), "times and ids, not contents");
  const messages = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as MessageTrace);
  assert.deepEqual(
    messages.map(({ by, seq: at }) => [by, at]),
    [
      ["client", seq],
      ["bot", seq + 1],
      ["api", seq + 2],
    ],
  );
  const [first, second] = [messages[0]!, messages[1]!];
  assert.deepEqual(stages(hopsOf(first, "eu-1-w1")), ["arrived", "taken", "stored"]);
  assert.deepEqual(stages(hopsOf(first, "g2")), ["seen", "handed"]);
  assert.deepEqual(stages(hopsOf(first, "g1")).sort(), ["answered", "handed", "received", "seen", "sent"]);
  for (const { process, by } of first.hops)
    assert.equal(by, { g1: "exact", g2: "clock", "eu-1-w1": "within" }[process]);
  const at = (stage: string) => first.hops.find((hop) => hop.stage === stage && hop.process !== "g2")!.at;
  assert.ok(at("received") === 0 && at("sent") <= at("arrived") && at("taken") <= at("stored"));
  assert.ok(at("stored") <= at("answered"));
  assert.equal(first.hops.find(({ stage, process }) => stage === "handed" && process === "g2")?.receivers, 1);
  // The bot is served by the worker, whose clock is then the one that counts.
  assert.deepEqual(stages(hopsOf(second, "g1")), ["seen", "handed"]);
  assert.ok(hopsOf(second, "eu-1-w1").every(({ by }) => by === "exact"));
});

test("it ends by its time, and when whoever follows goes; then nothing is said any more", async () => {
  const timed = await cli(cluster, "trace", TENANT, "chat.quiet", "--seconds", "1");
  assert.equal(timed.code, 0);
  assert.match(timed.err, /The time is over/);
  const left = await follow("chat.left");
  left.child.kill("SIGINT");
  assert.equal((await left.ended).code, 0);
  for (const id of ["g1", "g2", "eu-1-w1"])
    await until(`${id} to follow nothing`, async () => (await sessions(id)) === 0);
  const heard: string[] = [];
  const nats = await cluster.nats();
  nats.subscribe("trace.>", { callback: (_, { subject }) => void heard.push(subject) });
  await nats.flush();
  const alice = await cluster.connect("alice");
  await alice.pub("chat.left", 1);
  await nats.flush();
  assert.deepEqual(heard, []);
});

test("a block of lines for a person; busy channels are followed in part", async () => {
  const channel = "chat.busy";
  const alice = await cluster.connect("alice");
  const run = startCli(cluster, "trace", TENANT, channel, "--seconds", "3");
  await until("the gateways to follow", async () => (await sessions("g1")) + (await sessions("g2")) >= 2);
  const ids = Array.from({ length: 200 }, () => alice.nextId());
  const replies = ids.map((id) => alice.reply(id));
  alice.send(ids.map((id) => ({ op: "pub", id, ch: channel, data: id })));
  await Promise.all(replies);
  const { code, out } = await run.ended;
  assert.equal(code, 0);
  const lines = out.split("\n");
  const blocks = lines.filter((line) => line.startsWith("seq "));
  assert.ok(blocks.length >= 1 && blocks.length <= 30, `${blocks.length} blocks`);
  assert.match(out, /^… \d+ were not followed: too many at once$/m);
  assert.match(blocks[0]!, /^seq 1 {2}from a client {2}\S+ \S+Z {2}trace [0-9a-f]{32}$/);
  assert.match(out, /^ +0\.000 +g\d +publish received$/m);
  assert.match(
    out,
    /^ +\d+\.\d{3} ±\d+\.\d\d +eu-1-w1 +taken, sent to the log +\d+\.\d{3} ms in the mailbox$/m,
  );
  assert.match(out, /^ +\d+\.\d{3} +g\d +answered with ok +\d+\.\d{3} ms in all$/m);
});
