/** Publishing through a router that the test answers: order, one batch at a time, and what a failure takes along. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setImmediate as endOfTurn } from "node:timers/promises";
import { PlexusError } from "@plexus/protocol";
import fc from "fast-check";
import { register } from "prom-client";
import type { PublishAnswer, PublishBatch } from "./commands.js";
import { Publisher } from "./publisher.js";
import type { Router } from "./router.js";

type Settle = (error: PlexusError | null, answer: PublishAnswer | null) => void;

interface SentBatch {
  readonly channel: string;
  readonly ids: string[];
  readonly bytes: number;
  readonly settle: Settle;
  readonly deadlineMs: number;
}

/** Keeps what is sent until the test answers it. */
class FakeRouter {
  batches: SentBatch[] = [];
  flushes = 0;
  /** Answers everything at once with this, as a router does that is full. */
  refusal: PlexusError | null = null;

  send(
    kind: string,
    _tenant: string,
    channel: string,
    [, , ids]: PublishBatch,
    bytes: number,
    settle: Settle,
    deadlineMs: number,
  ): void {
    assert.equal(kind, "publish");
    if (this.refusal !== null) return settle(this.refusal, null);
    this.batches.push({ channel, ids: ids.map(([, id]) => id), bytes, settle, deadlineMs });
  }

  flush(): void {
    this.flushes++;
  }

  /** Takes the batch that was sent first. */
  take(): SentBatch {
    const batch = this.batches.shift();
    assert.ok(batch, "nothing was sent");
    return batch;
  }
}

let router: FakeRouter;
let publisher: Publisher;
/** What the listeners were told, in order: `a@7` for a position, `a!code` for an error. */
let told: string[];
/** Seqs of the log, per channel. */
let seqs: Map<string, number>;
let now: number;

beforeEach(() => {
  now = 1_000;
  router = new FakeRouter();
  publisher = new Publisher(router as unknown as Router, { now: () => now });
  told = [];
  seqs = new Map();
});

function publish(id: string, channel = "a", bytes = 10, then?: () => void): void {
  publisher.publish(
    "t",
    channel,
    { id, user: "u", fragment: "x".repeat(bytes), bytes, given: true },
    {
      published: (_epoch, seq, _ts, dup) => {
        told.push(`${id}@${seq}${dup ? "d" : ""}`);
        then?.();
      },
      rejected: (error) => {
        told.push(`${id}!${error.code}`);
        then?.();
      },
    },
  );
}

function store({ channel, ids, settle }: SentBatch): void {
  const before = seqs.get(channel) ?? 0;
  seqs.set(channel, before + ids.length);
  settle(null, ["e", before + 1, 5]);
}

const unavailable = new PlexusError("unavailable", "away");

test("what is published within one turn of the event loop is one batch, sent at its end", async () => {
  publish("a");
  publish("b");
  assert.equal(router.batches.length, 0);
  await endOfTurn();
  const batch = router.take();
  assert.deepEqual([batch.ids, batch.bytes, router.flushes], [["a", "b"], 20, 1]);
  store(batch);
  assert.deepEqual(told, ["a@1", "b@2"]);
});

test("one batch of a channel is on its way at a time; meanwhile the next gathers", async () => {
  publish("a");
  await endOfTurn();
  for (const id of ["b", "c"]) {
    publish(id);
    await endOfTurn();
  }
  assert.equal(router.batches.length, 1);
  store(router.take());
  await endOfTurn();
  assert.deepEqual(router.batches[0]?.ids, ["b", "c"]);
  store(router.take());
  assert.deepEqual(told, ["a@1", "b@2", "c@3"]);
});

test("channels do not wait for each other", async () => {
  publish("a1", "a");
  publish("b1", "b");
  await endOfTurn();
  const [a, b] = [router.take(), router.take()];
  store(b);
  publish("b2", "b");
  await endOfTurn();
  assert.deepEqual(router.take().ids, ["b2"]);
  store(a);
  assert.deepEqual(told, ["b1@1", "a1@1"]);
});

test("what waits behind a batch that failed fails with it, and what comes later goes on", async () => {
  publish("a");
  await endOfTurn();
  publish("b");
  publish("c");
  router.take().settle(unavailable, null);
  assert.deepEqual(told, ["a!unavailable", "b!unavailable", "c!unavailable"]);
  publish("d");
  await endOfTurn();
  assert.deepEqual(router.take().ids, ["d"]);
});

test("a message's time counts from when it was accepted, not from when it was its turn", async () => {
  publish("a");
  await endOfTurn();
  now += 2_000;
  publish("b");
  now += 6_000;
  publish("c");
  assert.equal(router.batches[0]?.deadlineMs, 10_000);
  store(router.take());
  await endOfTurn();
  const { ids, deadlineMs } = router.batches[0]!;
  assert.deepEqual([ids, deadlineMs], [["b", "c"], 4_000], "as long as the oldest of the batch has left");
});

test("what waited too long is not sent at all: unavailable, and nothing behind it overtakes", async () => {
  publish("a");
  await endOfTurn();
  publish("b");
  now += 10_000;
  publish("c");
  store(router.take());
  await endOfTurn();
  assert.deepEqual(told, ["a@1", "b!unavailable", "c!unavailable"]);
  publish("d");
  await endOfTurn();
  assert.deepEqual(router.take().ids, ["d"]);
});

test("duplicates are told as such", async () => {
  publish("a");
  await endOfTurn();
  router.take().settle(null, ["e", 4, 6, [[3, 5, true]]]);
  assert.deepEqual(told, ["a@3d"]);
});

test("a listener that publishes again while it is told keeps the order, and one batch at a time", async () => {
  publish("a", "a", 10, () => publish("c"));
  await endOfTurn();
  publish("b");
  store(router.take());
  await endOfTurn();
  assert.deepEqual(
    router.batches.map(({ ids }) => ids),
    [["b", "c"]],
  );
  store(router.take());
  publish("d", "a", 10, () => publish("e"));
  await endOfTurn();
  router.take().settle(unavailable, null);
  await endOfTurn();
  assert.deepEqual(
    router.batches.map(({ ids }) => ids),
    [["e"]],
  );
});

test("a router that refuses at once rejects, and holds nobody up", async () => {
  router.refusal = unavailable;
  publish("a");
  await endOfTurn();
  assert.deepEqual(told, ["a!unavailable"]);
  router.refusal = null;
  publish("b");
  await endOfTurn();
  assert.deepEqual(router.take().ids, ["b"]);
});

test("a batch holds so many messages, and so many bytes, but always one message", async () => {
  for (let i = 0; i < 2_001; i++) publish(`m${i}`);
  await endOfTurn();
  assert.equal(router.batches[0]?.ids.length, 2_000);
  store(router.take());
  await endOfTurn();
  assert.equal(router.take().ids.length, 1);
  for (const id of ["x", "y", "z"]) publish(id, "b", 100_000);
  publish("huge", "c", 1_000_000);
  await endOfTurn();
  assert.deepEqual(
    router.batches.map(({ ids, bytes }) => [ids.join(), bytes]),
    [
      ["x", 100_000],
      ["huge", 1_000_000],
    ],
  );
});

test("a channel takes so many waiting messages; the newest is refused, and told to come back", async () => {
  publish("first");
  await endOfTurn();
  for (let i = 0; i < 20_000; i++) publish(`m${i}`);
  assert.deepEqual(told, []);
  publish("too many");
  assert.deepEqual(told, ["too many!rate_limited"]);
  publish("elsewhere", "b");
  assert.equal(told.length, 1);
});

test("all channels together take so many waiting bytes, which come free again", async () => {
  const [most, more] = [64 * 1024 * 1024, 1];
  publish("a", "a", most);
  publish("b", "b", more);
  assert.deepEqual(told, ["b!unavailable"]);
  await endOfTurn();
  publish("c", "c", most);
  assert.equal(told.length, 1);
  // What fails gives its bytes back as well.
  await endOfTurn();
  publish("d", "a", most);
  router.batches.find(({ channel }) => channel === "a")!.settle(unavailable, null);
  publish("e", "e", most);
  assert.deepEqual(told, ["b!unavailable", "a!unavailable", "d!unavailable"]);
});

const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("publish" as const), channel: fc.constantFrom("a", "b") }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("turn" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("answer" as const), which: fc.nat(3), fails: fc.boolean() }),
  },
);

test("each listener is told once, and what is stored is stored in the order in which it was published", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 60, size: "max" }), async (steps) => {
      router = new FakeRouter();
      publisher = new Publisher(router as unknown as Router);
      told = [];
      seqs = new Map();
      let published = 0;
      const answer = (which: number, fails: boolean) => {
        const [batch] = router.batches.splice(which % router.batches.length, 1);
        if (batch !== undefined && fails) batch.settle(unavailable, null);
        else if (batch !== undefined) store(batch);
        const onTheirWay = router.batches.map(({ channel }) => channel);
        assert.equal(new Set(onTheirWay).size, onTheirWay.length, "one batch of a channel at a time");
      };
      for (const step of steps) {
        if (step.do === "publish") publish(`${step.channel}${published++}`, step.channel);
        else if (step.do === "turn") await endOfTurn();
        else answer(step.which, step.fails);
      }
      for (let i = 0; i < 200 && told.length < published; i++) {
        await endOfTurn();
        answer(0, false);
      }
      const ids = told.map((each) => each.split(/[@!]/)[0]!);
      assert.equal(new Set(ids).size, published);
      assert.equal(ids.length, published, "once each");
      for (const channel of ["a", "b"]) {
        const stored = told.filter((each) => each.startsWith(channel) && each.includes("@"));
        const numbers = stored.map((each) => Number(each.slice(1).split("@")[0]));
        assert.deepEqual(
          numbers,
          numbers.toSorted((x, y) => x - y),
          "in order",
        );
      }
    }),
    { numRuns: 200 },
  );
});

test("outcomes and times are counted, once for each publish", async () => {
  const shown = async (name: string, sample = name) => {
    const lines = (await register.getSingleMetricAsString(name)).split("\n");
    return Number(lines.find((line) => line.startsWith(`${sample} `))?.split(" ")[1] ?? 0);
  };
  const counts = async () => [
    await shown("plexus_publishes_total", 'plexus_publishes_total{outcome="ok"}'),
    await shown("plexus_publishes_total", 'plexus_publishes_total{outcome="unavailable"}'),
    await shown("plexus_publish_seconds", 'plexus_publish_seconds_bucket{le="0.25"}'),
    await shown("plexus_publish_seconds", 'plexus_publish_seconds_bucket{le="0.5"}'),
    await shown("plexus_publish_seconds", "plexus_publish_seconds_count"),
  ];
  const before = await counts();
  publish("a");
  now += 200;
  publish("b");
  await endOfTurn();
  now += 200;
  store(router.take());
  publish("c");
  await endOfTurn();
  publish("d");
  router.take().settle(unavailable, null);
  assert.deepEqual(told, ["a@1", "b@2", "c!unavailable", "d!unavailable"]);
  const after = await counts();
  assert.deepEqual(
    after.map((count, i) => count - before[i]!),
    [2, 2, 1, 2, 2],
  );
});
