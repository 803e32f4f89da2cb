/** `plexus trace`: a channel's messages through every process, live, while nobody exports anything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { untilQuick } from "@plexus/runtime/testing";
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

const PROCESSES = ["g1", "g2", "eu-1-w1"];

const cluster = clusterForFile({ admin: true, gateways: 2 });
const admin = new Admin(cluster);

/** Starts to follow a channel, and resolves once the processes do. */
async function follow(channel: string, ...more: string[]) {
  const run = startCli(cluster, "trace", TENANT, channel, "--json", ...more);
  await new Promise<void>((resolve) => {
    run.child.stderr!.on("data", (chunk: Buffer) => chunk.includes("following") && resolve());
  });
  for (const id of PROCESSES) await until(`${id} to follow`, async () => (await sessions(id)) > 0);
  return run;
}

async function sessions(id: string): Promise<number> {
  return (await cluster.metrics(id)).sum("plexus_trace_sessions");
}

const hopsOf = ({ hops }: MessageTrace, process?: string) =>
  hops.filter((hop) => process === undefined || hop.process === process);
const stages = (hops: Hop[]) => hops.map(({ stage }) => stage);

/** What is told later than a message is shown is missing from it. Every process tells of its stages in their order. */
function isWhole(message: MessageTrace): boolean {
  return [
    ["g1", "handed"],
    ["g2", "handed"],
    ["eu-1-w1", "stored"],
  ].every(([process, last]) => stages(hopsOf(message, process)).includes(last!));
}

test("messages of a client, of a bot and of the admin API, through two gateways", () =>
  untilQuick("all processes to tell of a message before it is shown", async (attempt) => {
    const channel = `chat.followed-${attempt}`;
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
    if (!messages.every(isWhole)) return false;
    assertWay(messages[0]!);
    // The bot is served by the worker, whose clock is then the one that counts.
    const second = messages[1]!;
    assert.deepEqual(stages(hopsOf(second, "g1")), ["seen", "handed"]);
    assert.ok(hopsOf(second, "eu-1-w1").every(({ by }) => by === "exact"));
    return true;
  }));

/** That of a client's message through g1. */
function assertWay(message: MessageTrace): void {
  assert.deepEqual(stages(hopsOf(message, "eu-1-w1")), ["arrived", "taken", "stored"]);
  assert.deepEqual(stages(hopsOf(message, "g2")), ["seen", "handed"]);
  assert.deepEqual(stages(hopsOf(message, "g1")).sort(), ["answered", "handed", "received", "seen", "sent"]);
  for (const { process, by } of message.hops)
    assert.equal(by, { g1: "exact", g2: "clock", "eu-1-w1": "within" }[process]);
  const at = (stage: string) => message.hops.find((hop) => hop.stage === stage && hop.process !== "g2")!.at;
  assert.ok(at("received") === 0 && at("sent") <= at("arrived") && at("taken") <= at("stored"));
  assert.ok(at("stored") <= at("answered"));
  assert.equal(
    message.hops.find(({ stage, process }) => stage === "handed" && process === "g2")?.receivers,
    1,
  );
}

test("it ends by its time, and when whoever follows goes; then nothing is said any more", async () => {
  const timed = await cli(cluster, "trace", TENANT, "chat.quiet", "--seconds", "1");
  assert.equal(timed.code, 0);
  assert.match(timed.err, /The time is over/);
  const left = await follow("chat.left");
  left.child.kill("SIGINT");
  assert.equal((await left.ended).code, 0);
  for (const id of PROCESSES) await until(`${id} to follow nothing`, async () => (await sessions(id)) === 0);
  const heard: string[] = [];
  const nats = await cluster.nats();
  nats.subscribe("trace.>", { callback: (_, { subject }) => void heard.push(subject) });
  await nats.flush();
  const alice = await cluster.connect("alice");
  await alice.pub("chat.left", 1);
  await nats.flush();
  assert.deepEqual(heard, []);
});

test("a block of lines for a person; busy channels are followed in part", () =>
  untilQuick("messages to be published while they are followed", async (attempt) => {
    const channel = `chat.busy-${attempt}`;
    const alice = await cluster.connect("alice");
    const run = startCli(cluster, "trace", TENANT, channel, "--seconds", "3");
    let ended = false;
    void run.ended.finally(() => {
      ended = true;
    });
    const isFollowed = async () => (await Promise.all(PROCESSES.map(sessions))).every((n) => n > 0);
    await until("all to follow", async () => ended || (await isFollowed()));
    const ids = Array.from({ length: 200 }, () => alice.nextId());
    const replies = ids.map((id) => alice.reply(id));
    alice.send(ids.map((id) => ({ op: "pub", id, ch: channel, data: id })));
    await Promise.all(replies);
    const stillFollowed = await isFollowed();
    const { code, out } = await run.ended;
    assert.equal(code, 0);
    if (!stillFollowed) return false;
    const lines = out.split("\n");
    const blocks = lines.filter((line) => line.startsWith("seq "));
    assert.ok(blocks.length <= 30, `${blocks.length} blocks`);
    // Shown is what was through some time before the end.
    if (blocks.length === 0 || !out.includes("eu-1-w1")) return false;
    assert.match(out, /^… \d+ were not followed: too many at once$/m);
    assert.match(blocks[0]!, /^seq 1 {2}from a client {2}\S+ \S+Z {2}trace [0-9a-f]{32}$/);
    assert.match(out, /^ +0\.000 +g\d +publish received$/m);
    assert.match(
      out,
      /^ +\d+\.\d{3} ±\d+\.\d\d +eu-1-w1 +taken, sent to the log +\d+\.\d{3} ms in the mailbox$/m,
    );
    assert.match(out, /^ +\d+\.\d{3} +g\d +answered with ok +\d+\.\d{3} ms in all$/m);
    return true;
  }));
