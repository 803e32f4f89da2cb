/** The router over a real NATS server, with actors that the test plays. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelKey, PlexusError, subjects } from "@plexus/protocol";
import type { PublishBatch, WireAnswer, WireError } from "./commands.js";
import { partitionOf } from "./placement.js";
import { publishBatch } from "./publisher.js";
import type { Router } from "./router.js";
import { ROUTER_DEFAULTS } from "./router-options.js";
import { stalledDuring, until, untilQuick } from "./testing/index.js";
import {
  answerHead,
  answerHeads,
  cellEntry,
  headOf,
  type Received,
  routersForFile,
} from "./testing/routers.js";

const stage = routersForFile();
const { directory, router: routerOf } = stage;

/** Serves all partitions of a cell. */
async function serve(id: string, respond: (received: Received) => void): Promise<Received[]> {
  return (await stage.serve(`cmd.${id}.*`, respond)).received;
}

function refuse(error: WireError): (received: Received) => void {
  return ({ commands, answer }) => answer(...commands.map(([id]): WireAnswer => [id, error, null]));
}

function publish(router: Router) {
  return router.ask("publish", "t", "chat.7", batchOf("{"));
}

function batchOf(fragment: string): PublishBatch {
  return publishBatch([{ id: "id", user: "u", fragment, bytes: fragment.length, given: true }]);
}

function head(router: Router, channel: string) {
  return router.ask("head", "t", channel, { gateway: "g" });
}

async function failureOf(asking: Promise<unknown>): Promise<PlexusError> {
  try {
    await asking;
  } catch (error) {
    assert.ok(error instanceof PlexusError, String(error));
    return error;
  }
  return assert.fail("it did not fail");
}

/**
 * The error of what nobody can have carried out. It is a timeout where an attempt had no verdict at the deadline, as when
 * this process stands still before it reads one: then it is asked again.
 */
async function certainFailureOf(ask: () => Promise<unknown>): Promise<PlexusError> {
  let error!: PlexusError;
  await untilQuick("a verdict before the deadline", async () => {
    const stalled = await stalledDuring(0, async () => {
      error = await failureOf(ask());
    });
    return error.code !== "timeout" || !stalled;
  });
  return error;
}

/** Names of channels whose partition is that of the first, and of some in others. */
function channelsByPartition(): { same: string[]; others: string[] } {
  const names = Array.from({ length: 1_000 }, (_, i) => `chat.${i}`);
  const partition = (channel: string) => partitionOf(channelKey("t", channel));
  const same = names.filter((channel) => partition(channel) === partition("chat.0"));
  return { same, others: names.filter((channel) => !same.includes(channel)) };
}

test("what is together larger than the bus takes goes in parts, whatever was said of its size", async () => {
  const large = { gateway: "g", put: [], del: ["x".repeat(400_000)], refresh: false, all: null };
  const received = await serve("eu-1", ({ commands, answer }) =>
    answer(...commands.map(([id]): WireAnswer => [id, null, null])),
  );
  const router = routerOf();
  const { same } = channelsByPartition();
  const ask = (bytes?: number) =>
    Promise.all(same.slice(0, 4).map((channel) => router.ask("members", "t", channel, large, bytes)));
  await ask();
  assert.deepEqual(
    received.splice(0).map(({ commands }) => commands.length),
    [2, 2],
    "nobody said how large they are",
  );
  await ask(400_000);
  assert.deepEqual(
    received.map(({ commands }) => commands.length),
    [1, 1, 1, 1],
  );
});

test("a command reaches the channel's home, and its answer whoever asked", async () => {
  const received = await serve("eu-1", answerHeads);
  const router = routerOf();
  assert.deepEqual(await head(router, "chat.7"), headOf("chat.7"));
  assert.equal(received[0]?.message.subject, subjects.command("eu-1", partitionOf("t/chat.7")));
  assert.deepEqual(received[0]?.commands[0]?.slice(1), ["head", "t", "chat.7", { gateway: "g" }]);
});

test("what is asked of one partition within one turn is one message; other partitions have their own", async () => {
  const received = await serve("eu-1", answerHeads);
  const router = routerOf();
  const { same, others } = channelsByPartition();
  const channels = [...same.slice(0, 5), others[0]!];
  const answers = await Promise.all(channels.map((channel) => head(router, channel)));
  assert.deepEqual(answers, channels.map(headOf));
  assert.deepEqual(received.map(({ commands }) => commands.length).sort(), [1, 5]);
  await Promise.all([head(router, same[0]!), head(router, same[0]!)]);
  assert.equal(received.length, 3, "the next turn, the next message");
});

test("who is at the end of a turn already can have everything sent at once", async () => {
  const received = await serve("eu-1", answerHeads);
  const router = routerOf();
  const asking = head(router, "chat.1");
  router.flush();
  const again = head(router, "chat.1");
  await Promise.all([asking, again]);
  assert.equal(received.length, 2);
});

test("a command that is large goes in a message of its own rather than over the bus's bound", async () => {
  const received = await serve("eu-1", answerHeads);
  const router = routerOf();
  const answers = Array.from({ length: 8 }, () => {
    const batch = batchOf("x".repeat(200_000));
    return new Promise((resolve) => router.send("publish", "t", "chat.1", batch, 200_000, resolve));
  });
  await Promise.all(answers);
  assert.equal(received.length, 8);
});

test("answers may come one by one, in any order, in any number of messages", async () => {
  const received = await serve("eu-1", () => undefined);
  const router = routerOf();
  const { same } = channelsByPartition();
  const asking = same.slice(0, 3).map((channel) => head(router, channel));
  await until("the commands are there", () => received.length === 1);
  const [{ commands, answer }] = received as [Received];
  const answers = commands.map(answerHead);
  answer(answers[2]!);
  answer(answers[1]!, answers[0]!, answers[2]!);
  assert.deepEqual(await Promise.all(asking), same.slice(0, 3).map(headOf));
});

test("a command that meets nobody is sent again until somebody is there", async () => {
  const router = routerOf();
  const asking = head(router, "chat.7");
  await new Promise((resolve) => setImmediate(resolve));
  await stage.nats.flush();
  const received = await serve("eu-1", answerHeads);
  assert.deepEqual(await asking, headOf("chat.7"));
  assert.equal(received.length, 1);
});

test("a command without an answer is sent again, and answered once", async () => {
  let silences = 2;
  const received = await serve("eu-1", (each) => {
    if (silences-- <= 0) answerHeads(each);
  });
  const router = routerOf({ attemptMs: 1_000 });
  assert.deepEqual(await head(router, "chat.7"), headOf("chat.7"));
  assert.equal(received.length, 3);
  assert.equal(new Set(received.map(({ commands }) => commands[0]?.[0])).size, 1, "the same command");
  // The first two are answered late, when nobody waits any more.
  for (const each of received.slice(0, 2)) answerHeads(each);
  assert.deepEqual(await head(router, "chat.8"), headOf("chat.8"));
});

test("who has moved is asked at its new home, as soon as the directory names it", async () => {
  await serve("eu-1", (received) => {
    directory.current = { version: 2, cells: [cellEntry("us-1")] };
    refuse(["moved", "ask again", null])(received);
  });
  const there = await serve("us-1", answerHeads);
  assert.deepEqual(await head(routerOf(), "chat.7"), headOf("chat.7"));
  assert.equal(there[0]?.message.subject, subjects.command("us-1", partitionOf("t/chat.7")));
});

test("who moves on and on is asked until the deadline; the command was never carried out: unavailable", async () => {
  const received = await serve("eu-1", refuse(["moved", "ask again", null]));
  const error = await certainFailureOf(() => {
    received.length = 0;
    return head(routerOf({ deadlineMs: 3_000 }), "chat.7");
  });
  assert.deepEqual([error.code, error.retry], ["unavailable", 1_000]);
  // Pauses of 25, 50, 100, 200, 400 and then 500 ms, each up to half as short: 5 in the first 388 ms, 11 in the rest.
  assert.ok(
    received.length > 2 && received.length <= 17,
    `${received.length} attempts, further and further apart`,
  );
});

test("who moved with a publish on its way to the log: not unavailable, since it may be stored", async () => {
  let n = 0;
  await serve("eu-1", (received) => refuse(["moved", "ask again", null, ++n === 1])(received));
  assert.equal((await failureOf(publish(routerOf({ deadlineMs: 300 })))).code, "timeout");
});

test("a publish that is refused after an attempt without an answer may be stored; a question is just refused", async () => {
  let n = 0;
  await serve("eu-1", (received) => {
    if (n++ % 2 === 1) refuse(["unavailable", "the log does not answer", 500])(received);
  });
  const router = routerOf({ attemptMs: 50 });
  const unknown = await failureOf(publish(router));
  assert.deepEqual([unknown.code, unknown.retry], ["timeout", 1_000]);
  const question = await failureOf(head(router, "chat.7"));
  assert.deepEqual([question.code, question.retry], ["unavailable", 500]);
});

test("a publish that waits for its answer when this process stops may be stored", async () => {
  const received = await serve("eu-1", () => undefined);
  const router = routerOf();
  const failing = failureOf(publish(router));
  await until("it was sent", () => received.length === 1);
  router.stop();
  assert.equal((await failing).code, "timeout");
});

test("nobody there until the deadline: unavailable, since it was certainly not carried out", async () => {
  let startedAt = 0;
  const error = await certainFailureOf(() => {
    startedAt = performance.now();
    return head(routerOf({ deadlineMs: 2_000 }), "chat.7");
  });
  const tookMs = performance.now() - startedAt;
  assert.equal(error.code, "unavailable");
  assert.ok(tookMs >= 1_990 && tookMs < 5_000, `${tookMs} ms`);
});

test("no cell at all: unavailable at the deadline; a cell that comes in time answers", async () => {
  directory.current = { version: 2, cells: [] };
  assert.equal((await failureOf(head(routerOf({ deadlineMs: 100 }), "chat.7"))).code, "unavailable");
  await serve("eu-1", answerHeads);
  const asking = head(routerOf(), "chat.7");
  directory.current = { version: 3, cells: [cellEntry("eu-1")] };
  assert.deepEqual(await asking, headOf("chat.7"));
});

test("no answer until the deadline: timeout, since it may have been carried out", async () => {
  await serve("eu-1", () => undefined);
  const error = await failureOf(head(routerOf({ deadlineMs: 200 }), "chat.7"));
  assert.deepEqual([error.code, error.retry], ["timeout", 1_000]);
});

test("no answer, and then nobody there: still a timeout", async () => {
  const { received, subscription } = await stage.serve("cmd.eu-1.*", () => undefined);
  const asking = failureOf(head(routerOf({ deadlineMs: 400, attemptMs: 50 }), "chat.7"));
  await until("it was received", () => received.length >= 1);
  subscription.unsubscribe();
  await stage.cells.flush();
  assert.equal((await asking).code, "timeout");
});

test("errors of the actor come as they are, and one that is not in the catalogue is internal", async () => {
  const errors: WireError[] = [
    ["rate_limited", "full", 200],
    ["bad_request", "no", null],
    ["surprise" as "internal", "what?", null],
  ];
  await serve("eu-1", (received) => refuse(errors.shift()!)(received));
  const router = routerOf();
  const limited = await failureOf(head(router, "chat.1"));
  assert.deepEqual([limited.code, limited.message, limited.retry], ["rate_limited", "full", 200]);
  assert.deepEqual((await failureOf(head(router, "chat.1"))).retry, undefined);
  assert.equal((await failureOf(head(router, "chat.1"))).code, "internal");
});

test("so many commands may be without an answer; the next fails at once, and later ones do not", async () => {
  const received = await serve("eu-1", () => undefined);
  const router = routerOf({ maxOutstanding: 3 });
  const asking = ["chat.1", "chat.2", "chat.3"].map((channel) => head(router, channel));
  const error = await failureOf(head(router, "chat.4"));
  assert.deepEqual([error.code, error.retry], ["unavailable", 500]);
  await until("the three are there", () => received.flatMap(({ commands }) => commands).length === 3);
  for (const each of received) answerHeads(each);
  await Promise.all(asking);
  const fourth = head(router, "chat.4");
  await until("the fourth is there", () => received.some(({ commands }) => commands[0]?.[3] === "chat.4"));
  answerHeads(received.at(-1)!);
  assert.deepEqual(await fourth, headOf("chat.4"));
});

test("so many bytes may be without an answer; the next fails at once, and what is answered gives its bytes back", async () => {
  const received = await serve("eu-1", () => undefined);
  const router = routerOf({ maxOutstandingBytes: 1_000 });
  const outcomes: string[] = [];
  const send = (bytes: number) =>
    router.send("publish", "t", "chat.1", batchOf("{"), bytes, (error) => outcomes.push(error?.code ?? "ok"));
  for (const bytes of [5_000, 1, 1]) send(bytes);
  assert.deepEqual(outcomes, ["unavailable", "unavailable"], "the first is always taken");
  await until("it is there", () => received.length === 1);
  received[0]!.answer([received[0]!.commands[0]![0], null, ["e", 1, 5]]);
  await until("it is answered", () => outcomes.length === 3);
  for (const bytes of [600, 400, 1]) send(bytes);
  assert.deepEqual(outcomes.slice(2), ["ok", "unavailable"]);
});

test("a command too large for the bus fails by itself, and harms no other", async () => {
  await serve("eu-1", answerHeads);
  const router = routerOf({ deadlineMs: 2_000 });
  const large = router.ask("publish", "t", "chat.1", batchOf("x".repeat(1_100_000)));
  assert.equal((await failureOf(large)).code, "unavailable");
  assert.deepEqual(await head(router, "chat.1"), headOf("chat.1"));
});

test("a cell can be asked that is not the channel's home", async () => {
  await serve("eu-1", refuse(["internal", "not here", null]));
  await serve("us-1", answerHeads);
  const router = routerOf();
  const answer = await router.askAt("us-1", "head", "t", "chat.7", { gateway: "g" }, 10_000);
  assert.deepEqual(answer, headOf("chat.7"));
  const nobody = () => router.askAt("nowhere", "head", "t", "chat.7", { gateway: "g" }, 2_000);
  assert.equal((await certainFailureOf(nobody)).code, "unavailable");
});

test("whoever may be asked in vain is asked again sooner, if its asker says so", async () => {
  let silences = 2;
  const received = await serve("us-1", (each) => {
    if (silences-- <= 0) answerHeads(each);
  });
  const startedAt = performance.now();
  const answer = await routerOf().askAt("us-1", "head", "t", "chat.7", { gateway: "g" }, 10_000, 1_000);
  assert.deepEqual(answer, headOf("chat.7"));
  assert.equal(received.length, 3);
  assert.ok(performance.now() - startedAt < 2 * ROUTER_DEFAULTS.attemptMs);
});

test("an answer that can't be read, or that makes its receiver fail, harms no other", async () => {
  const received = await serve("eu-1", (each) => {
    each.message.respond(new Uint8Array([0xc1, 0xff, 0x00]));
    answerHeads(each);
  });
  const router = routerOf();
  const told = new Promise<void>((resolve) => {
    router.send("head", "t", "chat.7", { gateway: "g" }, 0, () => {
      resolve();
      throw new Error("a defect in whoever asked");
    });
  });
  await told;
  assert.deepEqual(await head(router, "chat.8"), headOf("chat.8"));
  assert.equal(received.length, 2);
});

test("who stops tells everybody who still waits", async () => {
  await serve("eu-1", () => undefined);
  const router = routerOf();
  const failing = ["chat.1", "chat.2"].map((channel) => failureOf(head(router, channel)));
  router.stop();
  for (const { code, retry } of await Promise.all(failing))
    assert.deepEqual([code, retry], ["unavailable", 1_000]);
});

test("while the server is away nothing hangs; when it is back, commands go through", async () => {
  const router = routerOf({ deadlineMs: 400, attemptMs: 100 });
  await serve("eu-1", answerHeads);
  await stage.broker.suspend();
  try {
    assert.equal((await failureOf(head(router, "chat.7"))).code, "timeout");
  } finally {
    stage.broker.resume();
  }
  const patient = routerOf({ deadlineMs: 8_000, attemptMs: 100 });
  assert.deepEqual(await head(patient, "chat.7"), headOf("chat.7"));
});
