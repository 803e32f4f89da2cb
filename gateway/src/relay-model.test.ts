/**
 * Whatever the bus loses, repeats and reorders, however late answers come: subscribers get consecutive seqs, once
 * each, all of them in the end, and one reset where the channel goes on in another epoch.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ModelChannel } from "./testing/model-channel.js";

const anyStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("store" as const), n: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("arrive" as const),
      which: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(6)),
      again: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lose" as const), which: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("compare" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("hear" as const), which: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("answer" as const),
      which: fc.nat(3),
      fails: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;
const anySteps = fc.array(anyStep, { maxLength: 80, size: "max" });

function perform(channel: ModelChannel, step: Step): void {
  switch (step.do) {
    case "store":
      return channel.store(step.n);
    case "arrive":
      return channel.arrive(step.which, step.again);
    case "lose":
      return channel.lose(step.which);
    case "compare":
      return channel.compare();
    case "hear":
      return channel.hear(step.which);
    case "answer":
      return channel.answer(step.which, step.fails);
  }
}

/** A relay that knows where the channel stands, as it does before anybody is subscribed. */
function opened(stored: number): ModelChannel {
  const channel = new ModelChannel();
  if (stored > 0) channel.store(stored);
  channel.lose(0);
  channel.compare();
  channel.hear(0);
  channel.answer(0, false);
  return channel;
}

/** From now on nothing is lost: what is on its way arrives, and heads are compared as they are every so often. */
function settle(channel: ModelChannel): void {
  for (let i = 0; i < 500; i++) {
    if (channel.quiet && i > 0) {
      const { position } = channel.relay;
      if (position?.epoch === channel.head.epoch && position.seq === channel.head.seq) return;
    }
    if (channel.quiet) channel.compare();
    channel.arrive(0, false);
    channel.hear(0);
    channel.answer(0, false);
  }
  assert.fail(`the relay stays at ${JSON.stringify(channel.relay.position)}`);
}

test("in one epoch: every message, once, in order, and no reset", () => {
  fc.assert(
    fc.property(fc.nat(9), anySteps, (stored, steps) => {
      const channel = opened(stored);
      for (const step of steps) perform(channel, step);
      settle(channel);
      assert.deepEqual(channel.resets, []);
      assert.equal(channel.delivered, channel.head.seq - stored);
    }),
    { numRuns: 1_000 },
  );
});

test("in another epoch: one reset, to that epoch, and everything after it", () => {
  fc.assert(
    fc.property(fc.nat(9), anySteps, anySteps, (stored, before, after) => {
      const channel = opened(stored);
      for (const step of before) perform(channel, step);
      channel.begin("e1");
      for (const step of after) perform(channel, step);
      settle(channel);
      assert.equal(channel.resets.length, 1);
      assert.equal(channel.resets[0]?.epoch, "e1");
      assert.deepEqual(channel.shown, channel.head);
    }),
    { numRuns: 1_000 },
  );
});

test("where retention takes what was missed, there is a reset, never a silent hole; and it goes on from there", () => {
  const withTrims = fc.array(fc.oneof({ weight: 8, arbitrary: anyStep }, fc.integer({ min: 1, max: 9 })), {
    maxLength: 80,
    size: "max",
  });
  fc.assert(
    fc.property(fc.nat(9), withTrims, fc.boolean(), (stored, steps, newEpoch) => {
      const channel = opened(stored);
      for (const [i, step] of steps.entries()) {
        if (typeof step === "number") channel.trim(step);
        else perform(channel, step);
        if (newEpoch && i === 40) channel.begin("e1");
      }
      settle(channel);
      assert.deepEqual(channel.shown, channel.head);
      const toAnother = channel.resets.filter(
        ({ epoch }, i) => epoch !== (channel.resets[i - 1]?.epoch ?? "e0"),
      );
      assert.equal(toAnother.length, channel.head.epoch === "e0" ? 0 : 1, "an epoch never comes back");
    }),
    { numRuns: 1_000 },
  );
});

test("before the relay knows where the channel stands nothing is delivered, and afterwards nothing is missing", () => {
  fc.assert(
    fc.property(fc.nat(9), anySteps, (stored, steps) => {
      const channel = new ModelChannel();
      if (stored > 0) channel.store(stored);
      channel.compare();
      for (const step of steps) perform(channel, step);
      settle(channel);
      assert.deepEqual(channel.resets, []);
      assert.deepEqual(channel.shown, channel.head);
    }),
    { numRuns: 500 },
  );
});
