/** The parts of a load run that decide: the workload, what is expected of messages, when it ends, what gave in. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { reasonToStop } from "./abort.js";
import { bottleneckOf, type Observed, signalsOf } from "./bottleneck.js";
import { ChannelCheck, missingAtEnd, noViolations, Subscription } from "./check.js";
import { markedData, marksIn } from "./marks.js";
import type { ServerSide } from "./server-side.js";
import { blockBetween, channelsOf, grown, readSteps, readWorkload, sizeOf, tooLarge } from "./workload.js";

const STATED = { connections: 100, channels: 20, channelsPerConnection: 3, publishesPerSecond: 50 };

function workload(more: object = {}) {
  const read = readWorkload({ ...STATED, ...more });
  assert.ok("workload" in read, JSON.stringify(read));
  return read.workload;
}

function problems(value: unknown): string {
  const read = readWorkload(value);
  return "problems" in read ? read.problems.join("\n") : "";
}

test("what is wrong with a workload is said by the field's name", () => {
  assert.match(problems({ ...STATED, conections: 1 }), /conections/);
  assert.match(
    problems({ ...STATED, channels: 2 }),
    /^channelsPerConnection: there are not so many channels$/,
  );
  assert.match(problems({ ...STATED, bytes: [{ bytes: 100, share: 0.5 }] }), /^bytes: .*/);
  assert.match(problems({ connections: 1 }), /channels[\s\S]*publishesPerSecond/);
  assert.match(problems(7), /^workload: /);
  assert.equal(problems(STATED), "");
});

test("the workloads of docs/grow.md are workloads", () => {
  const document = readFileSync(new URL("../../../docs/grow.md", import.meta.url), "utf8");
  const shown = [...document.matchAll(/^```json workload\n([\s\S]*?)^```$/gm)].map(([, text]) =>
    JSON.parse(text!),
  );
  assert.deepEqual(
    shown.map(({ name }) => name),
    ["team chat", "live event", "telemetry"],
  );
  for (const one of shown) assert.equal(problems(one), "");
});

test("steps are growing multiples", () => {
  assert.deepEqual(readSteps("1,2,5,10"), [1, 2, 5, 10]);
  assert.deepEqual(readSteps("0.5, 1"), [0.5, 1]);
  for (const text of ["", "2,1", "1,1", "a", "-1", "0"]) assert.equal(readSteps(text), undefined, text);
  assert.match(tooLarge(workload({ connections: 10_000 }), [1, 2]) ?? "", /20000 connections/);
  assert.equal(tooLarge(workload(), [1, 10]), undefined);
});

test("every step keeps the members of a channel, or the channels of an event", () => {
  const steps = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(steps, fc.boolean(), (factors, channelsGrow) => {
      const stated = workload({ channelsGrow });
      const members = new Map<number, number>();
      let before: ReturnType<typeof grown> | undefined;
      let connections = 0;
      for (const factor of factors.sort((a, b) => a - b)) {
        const now = grown(stated, factor);
        const block = blockBetween(before, now);
        connections += block.connections;
        for (let i = 0; i < block.connections; i++) {
          const channels = channelsOf(block, i, now.channelsPerConnection);
          assert.equal(new Set(channels).size, now.channelsPerConnection);
          for (const channel of channels) members.set(channel, (members.get(channel) ?? 0) + 1);
        }
        assert.equal(connections, now.connections);
        before = now;
      }
      const most = Math.max(...factors);
      assert.equal(members.size, channelsGrow ? 20 * most : 20);
      const expected = channelsGrow ? 15 : 15 * most;
      for (const count of members.values()) assert.equal(count, expected);
    }),
  );
});

test("sizes are drawn with their shares", () => {
  const of = workload({
    bytes: [
      { bytes: 100, share: 0.9 },
      { bytes: 4_000, share: 0.1 },
    ],
  });
  assert.deepEqual(
    [0, 0.89, 0.9, 0.999].map((chance) => sizeOf(of, chance)),
    [100, 100, 4_000, 4_000],
  );
  assert.equal(sizeOf(workload(), 0.5), 128);
});

test("a message's mark comes back from a record", () => {
  const data = [markedData(7, 12.345, 64), markedData(8, 99_999.5, 32), markedData(9, 0, 1)];
  assert.equal(JSON.stringify(data[0]).length, 64);
  const messages = data.map((text) => ({ id: "a", user: '~1,2~"data":', data: text, ts: 1 }));
  const bytes = Buffer.from(`before${JSON.stringify({ op: "msg", m: messages })}after"data":"~5,5~`);
  const found = marksIn(bytes, 6, bytes.length - 20);
  assert.deepEqual(
    found.map(({ number }) => number),
    [7, 8, 9],
  );
  assert.deepEqual(
    found.map(({ dueMs }) => dueMs),
    [12.35, 99_999.5, 0].map((ms) => (ms === 12.35 ? found[0]!.dueMs : ms)),
  );
  assert.ok(Math.abs(found[0]!.dueMs - 12.345) < 0.01);
});

test("a subscription counts what is missing and what comes twice", () => {
  const violations = noViolations();
  const subscription = new Subscription("load.a");
  assert.equal(subscription.subscribed({ epoch: "e", seq: 4 }, false), true, "a first one misses nothing");
  assert.equal(subscription.received("e", 5, 2, violations), 2);
  assert.equal(subscription.received("e", 6, 2, violations), 1, "the first of them is known");
  assert.equal(subscription.received("e", 10, 1, violations), 1);
  assert.deepEqual(violations, { lost: 2, duplicated: 1, misplaced: 0 });
  assert.equal(missingAtEnd(subscription, { epoch: "e", seq: 12 }), 2);
  assert.equal(missingAtEnd(subscription, { epoch: "other", seq: 12 }), 0);
  assert.equal(subscription.subscribed({ epoch: "e", seq: 12 }, true), true);
  assert.deepEqual(subscription.position, { epoch: "e", seq: 10 }, "what was missed is yet to come");
  assert.equal(subscription.subscribed({ epoch: "f", seq: 3 }, false), false);
  assert.deepEqual(subscription.position, { epoch: "f", seq: 3 });
  subscription.live = false;
  assert.equal(missingAtEnd(subscription, { epoch: "f", seq: 9 }), 0, "nobody was there");
});

test("a message must be delivered where it was acknowledged", () => {
  const violations = noViolations();
  const check = new ChannelCheck();
  check.acknowledged(1, { epoch: "e", seq: 1 }, violations);
  check.delivered(1, 1, violations);
  check.delivered(2, 2, violations);
  check.acknowledged(2, { epoch: "e", seq: 2 }, violations);
  assert.deepEqual([violations.misplaced, check.open], [0, 0]);
  check.delivered(3, 3, violations);
  check.acknowledged(3, { epoch: "e", seq: 4 }, violations);
  assert.equal(violations.misplaced, 1);
  assert.deepEqual(check.head, { epoch: "e", seq: 4 });
  for (let number = 10; number < 20_000; number++)
    check.acknowledged(number, { epoch: "e", seq: number }, violations);
  assert.equal(check.open, 5_000, "where nobody subscribes, the first ones are forgotten");
});

test("a run ends where it has nothing more to say", () => {
  const limits = { errorShare: 0.05, ackP99Ms: 1_000 };
  const calm = { due: 100, failed: 5, ackP99Ms: 900, lateP99Ms: 10, lateInARow: 0 };
  assert.equal(reasonToStop(calm, limits), undefined);
  assert.match(reasonToStop({ ...calm, failed: 6 }, limits) ?? "", /errors: 6\.0 %/);
  assert.match(reasonToStop({ ...calm, ackP99Ms: 1_001 }, limits) ?? "", /1001 ms \(p99\)/);
  assert.match(
    reasonToStop({ ...calm, lateP99Ms: 251, lateInARow: 3, ackP99Ms: 9_000 }, limits) ?? "",
    /generator itself/,
  );
  assert.equal(
    reasonToStop({ due: 3, failed: 3, ackP99Ms: null, lateP99Ms: null, lateInARow: 0 }, limits),
    undefined,
  );
});

const UNKNOWN: ServerSide = {
  gatewayCpu: null,
  workerCpu: null,
  natsCpu: null,
  redisCpu: null,
  mailboxP99Ms: null,
  appendMs: null,
  gatewayLagMs: null,
  machine: null,
};

function observed(server: Partial<ServerSide>, more: Partial<Observed> = {}) {
  const own = { cpu: 0.2, lateP99Ms: 1 };
  return signalsOf({ due: 1_000, errors: {}, own, server: { ...UNKNOWN, ...server }, ...more }, 2);
}

test("the first bottleneck is that of the first step in which anything was at its limit", () => {
  const at = (value: number) => ({ of: "x", value });
  const calm = observed({ gatewayCpu: at(0.3), workerCpu: at(0.5) });
  const first = bottleneckOf([
    calm,
    observed({ gatewayCpu: at(0.5), workerCpu: at(0.9) }),
    observed({ gatewayCpu: at(1) }),
  ]);
  assert.deepEqual([first?.reached, first?.signal.part], [true, "worker"]);
  assert.match(first?.signal.says ?? "", /0\.90 cores, limit 0\.85/);
  assert.equal(first?.step, 1);
  const none = bottleneckOf([calm]);
  assert.deepEqual([none?.reached, none?.signal.part], [false, "worker"]);
  assert.equal(bottleneckOf([]), undefined);
  const parts: Array<[Partial<ServerSide>, string]> = [
    [{ mailboxP99Ms: at(200) }, "mailbox"],
    [{ natsCpu: at(1.8) }, "nats"],
    [{ appendMs: at(60) }, "nats"],
    [{ redisCpu: at(0.9) }, "redis"],
    [{ gatewayLagMs: at(150) }, "gateway"],
    [{ machine: 0.99 }, "machine"],
    [{ machine: 0.99, redisCpu: at(0.86) }, "redis"],
  ];
  for (const [server, part] of parts) assert.equal(bottleneckOf([observed(server)])?.signal.part, part);
});

test("a generator that is saturated is named before what it drives, and refusals are quotas", () => {
  const server = { gatewayCpu: { of: "g1", value: 2 } };
  const own = { cpu: 0.9, lateP99Ms: 1 };
  assert.equal(bottleneckOf([observed(server, { own })])?.signal.part, "generator");
  const refused = bottleneckOf([observed({}, { errors: { rate_limited: 11, timeout: 500 } })]);
  assert.deepEqual([refused?.reached, refused?.signal.part], [true, "quota"]);
  assert.match(refused?.signal.says ?? "", /11 refusals \(rate_limited\)/);
});
