/** Workers of a cell over a real NATS server: who owns what, and who takes over. */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { afterEach, beforeEach, test } from "node:test";
import { subjects } from "@plexus/protocol";
import { connectNats, type NatsConnection, natsHeaders, PARTITIONS, partitionOwner } from "@plexus/runtime";
import { inTime, natsForFile, silent, until, untilQuick } from "@plexus/runtime/testing";
import { MEMBER_TTL_MS } from "./membership.js";
import { Partitions } from "./partitions.js";

/** Its connection plays gateways. */
const bus = natsForFile();
let workers: Worker[] = [];
let remotes: Array<() => Promise<void>> = [];
/** Each test has a cell of its own. */
let cell: string;
let cells = 0;

interface Worker {
  readonly id: string;
  readonly nats: NatsConnection;
  readonly partitions: Partitions;
  /** All partitions it was told that it has lost. */
  readonly lost: number[];
  /** It has gone already. */
  gone: boolean;
}

beforeEach(() => {
  cell = `c${++cells}`;
});
afterEach(endAll);

async function endAll(): Promise<void> {
  for (const { partitions, nats: own, gone } of workers) {
    if (gone) continue;
    await partitions.stop();
    await own.close();
  }
  for (const end of remotes) await end();
  workers = [];
  remotes = [];
}

/** Another cell, without workers. */
async function startAnew(): Promise<void> {
  await endAll();
  cell = `c${++cells}`;
}

async function start(id: string): Promise<Worker> {
  const own = await connectNats(bus.broker.url, id, silent);
  const lost: number[] = [];
  const listener = {
    command: (message: { respond(payload: string): void }) => void message.respond(id),
    lost: (partitions: ReadonlySet<number>) => void lost.push(...partitions),
    doubted: () => undefined,
  };
  const partitions = new Partitions({ nats: own, cell, id, log: silent, listener });
  const worker = { id, nats: own, partitions, lost, gone: false };
  workers.push(worker);
  await partitions.start();
  return worker;
}

/** What a worker owns if it and these others are alive. */
function shareOf(id: string, alive: readonly string[]): number[] {
  return Array.from({ length: PARTITIONS }, (_, i) => i).filter((i) => partitionOwner(i, alive) === id);
}

function owned({ partitions }: Worker): number[] {
  return [...partitions.owned].sort((a, b) => a - b);
}

/** Waits until each of these owns its share of a cell in which `others` live as well, and the bus knows. */
async function agree(alive: readonly Worker[], others: readonly string[] = []): Promise<void> {
  const ids = [...alive.map(({ id }) => id), ...others];
  await until(`${ids.join()} own their shares`, () =>
    alive.every((worker) => owned(worker).join() === shareOf(worker.id, ids).join()),
  );
  for (const worker of alive) await worker.nats.flush();
}

interface Remote {
  readonly process: ChildProcess;
  readonly lost: number[];
  end(): Promise<void>;
}

/** A worker in a process of its own, ready to own its share. */
async function startRemote(id: string): Promise<Remote> {
  const entry = new URL("./testing/partition-worker.js", import.meta.url);
  const child = fork(entry, [bus.broker.url, cell, id]);
  const lost: number[] = [];
  let ready = false;
  child.on("message", (message: { ready?: true; lost?: number[] }) => {
    ready ||= message.ready === true;
    lost.push(...(message.lost ?? []));
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const end = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  remotes.push(end);
  await until(`${id} is ready`, () => ready || child.exitCode !== null);
  return { process: child, lost, end };
}

/** Every partition is served by the one who owns it. */
async function assertServed(alive: ReadonlyArray<{ id: string }>): Promise<void> {
  const ids = alive.map(({ id }) => id);
  const answers = Array.from({ length: PARTITIONS }, (_, partition) =>
    bus.nats.request(subjects.command(cell, partition), "", { timeout: 2_000 }),
  );
  const servers = (await Promise.all(answers)).map((answer) => answer.string());
  assert.deepEqual(
    servers,
    Array.from({ length: PARTITIONS }, (_, partition) => partitionOwner(partition, ids)),
  );
}

test("a worker alone owns and serves everything", async () => {
  const one = await start("w1");
  await agree([one]);
  await assertServed([one]);
  assert.deepEqual(one.partitions.workers, ["w1"]);
});

test("two that start together share from the first moment on", async () => {
  const [one, two] = await Promise.all([start("w1"), start("w2")]);
  await agree([one, two]);
  await assertServed([one, two]);
  assert.deepEqual([one.lost, two.lost], [[], []], "neither had to give anything back");
});

test("a newcomer gets its share, and the others are told what they have lost", async () => {
  const one = await start("w1");
  await agree([one]);
  const two = await start("w2");
  await agree([one, two]);
  await assertServed([one, two]);
  assert.deepEqual(
    one.lost.sort((a, b) => a - b),
    shareOf("w2", ["w1", "w2"]),
  );
  assert.deepEqual(two.lost, []);
});

test("until a newcomer serves the others do: nobody's command meets nobody", async () => {
  const one = await start("w1");
  await agree([one]);
  const share = shareOf("w2", ["w1", "w2"]);
  const answeredBy = new Set<string>();
  let asking = true;
  const asks = (async () => {
    for (let i = 0; asking; i++) {
      const subject = subjects.command(cell, share[i % share.length]!);
      answeredBy.add((await bus.nats.request(subject, "", { timeout: 10_000 })).string());
    }
  })();
  const two = await start("w2");
  await agree([one, two]);
  await until("the newcomer has answered", () => answeredBy.has("w2"));
  asking = false;
  await asks; // rejects where nobody is there
});

test("commands on their way to a worker that has just lost their partitions are answered all the same", async () => {
  const one = await start("w1");
  await agree([one]);
  const lost = shareOf("w2", ["w1", "w2"]);
  const answered: string[] = [];
  const inbox = `_INBOX.${crypto.randomUUID()}`;
  bus.nats.subscribe(inbox, { callback: (_, message) => void answered.push(message.string()) });
  // In one go: they are read in the turn in which the newcomer is heard of.
  bus.nats.publish(subjects.beat(cell), JSON.stringify({ id: "w2" }));
  for (const partition of lost) bus.nats.publish(subjects.command(cell, partition), "", { reply: inbox });
  await until("all answers", () => answered.length === lost.length);
  assert.deepEqual(new Set(answered), new Set(["w1"]));
  assert.deepEqual(
    one.lost.sort((a, b) => a - b),
    lost,
  );
});

test("who is back before it was missed gets its share again, and is no reason to wait", async () => {
  const one = await start("w1");
  const two = await startRemote("w2");
  await agree([one], ["w2"]);
  await two.end();
  await startRemote("w2");
  await agree([one], ["w2"]);
  const share = shareOf("w2", ["w1", "w2"]);
  assert.equal(
    (await bus.nats.request(subjects.command(cell, share[0]!), "", { timeout: 10_000 })).string(),
    "w2",
  );
});

test("who leaves is replaced at once", () =>
  untilQuick("who left to be replaced", async () => {
    await startAnew();
    const [one, two, three] = await Promise.all([start("w1"), start("w2"), start("w3")]);
    await agree([one, two, three]);
    const replaced = await inTime("without waiting for the time to live", MEMBER_TTL_MS / 2, async () => {
      await two.partitions.stop();
      await two.nats.close();
      two.gone = true;
      await agree([one, three]);
    });
    if (!replaced) return false;
    await assertServed([one, three]);
    assert.deepEqual([one.lost, three.lost], [[], []], "what stays with whoever has it stays");
    return true;
  }));

test("who was killed is replaced before its time to live is over: the bus knows", () =>
  untilQuick("who was killed to be replaced", async () => {
    await startAnew();
    const one = await start("w1");
    const two = await startRemote("w2");
    await agree([one], ["w2"]);
    await assertServed([one, { id: "w2" }]);
    const replaced = await inTime("within the time to live", MEMBER_TTL_MS, async () => {
      await two.end();
      await agree([one]);
    });
    if (replaced) await assertServed([one]);
    return replaced;
  }));

test("who hangs is replaced; when it goes on, it lets go of what it had, and gets its share again", async () => {
  const one = await start("w1");
  const two = await startRemote("w2");
  await agree([one], ["w2"]);
  two.process.kill("SIGSTOP");
  await agree([one]);
  await assertServed([one]);
  two.process.kill("SIGCONT");
  await agree([one], ["w2"]);
  await until("it was told that what it had may be out of date", () => two.lost.length > 0);
  assert.deepEqual(
    two.lost.sort((a, b) => a - b),
    shareOf("w2", ["w1", "w2"]),
  );
  await until("its subscriptions are heard", () => assertServed([one, { id: "w2" }]).then(() => true));
});

test("who leaves takes nothing over any more, whoever turns out to be gone", async () => {
  const one = await start("w1");
  let tellThatItIsGone: (() => void) | undefined;
  bus.nats.subscribe(subjects.aliveWorker(cell, "w2"), {
    callback: (_, question) => {
      tellThatItIsGone = () => void question.respond("", { headers: natsHeaders(503, "No Responders") });
    },
  });
  bus.nats.publish(subjects.beat(cell), JSON.stringify({ id: "w2" }));
  await agree([one], ["w2"]);
  const tell = await until("w1 asks whether w2 is there", () => tellThatItIsGone);
  await one.partitions.stop();
  tell();
  await bus.nats.flush();
  await one.nats.flush();
  assert.deepEqual(owned(one), []);
});

test("a worker is asked under its own name as well, until it leaves", async () => {
  const one = await start("w1");
  await agree([one]);
  const ask = () => bus.nats.request(subjects.commandAt(cell, "w1"), "", { timeout: 10_000 });
  assert.equal((await ask()).string(), "w1");
  await one.partitions.stop();
  await assert.rejects(ask(), /no responders/i);
});

test("workers of another cell do not count", async () => {
  const one = await start("w1");
  cell = `${cell}x`;
  const other = await start("w2");
  await agree([other]);
  assert.deepEqual(owned(one).length, PARTITIONS);
});
