/**
 * The promise on which all else rests: of several actors over one log, whatever is lost, late, refused or killed,
 * every acknowledged message is stored once, at the seq that was told, and no seq is missing or used twice.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Writers } from "./testing/writers.js";

const anyId = fc.integer({ min: 0, max: 19 }).map((n) => `m${n}`);
const anyIds = fc.array(anyId, { minLength: 1, maxLength: 4 });
/** Made ids come again only as they came first: the same batches, some with an id among them that was chosen. */
const anyBatch = fc.nat(9).map((batch) => {
  const ids = Array.from({ length: 1 + (batch % 4) }, (_, i) => `g${batch}-${i}`);
  return batch % 3 === 0 ? [...ids.slice(0, 2), `m${batch}`, ...ids.slice(2)] : ids;
});
const anyFate = fc.oneof(
  { arbitrary: fc.constant("stored" as const), weight: 6 },
  fc.constantFrom("unheard" as const, "lost" as const, "refused" as const),
);

const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      actor: fc.nat(2),
      ids: fc.oneof(anyIds, anyBatch),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("arrive" as const), which: fc.nat(5), fate: anyFate }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("answer" as const), which: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("giveUp" as const), which: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), actor: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait" as const), turns: fc.integer({ min: 1, max: 9 }) }),
  },
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** Lets promises get on by so many turns. */
async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await Promise.resolve();
}

async function perform(writers: Writers, step: Step): Promise<void> {
  writers.now += 1;
  switch (step.do) {
    case "publish":
      return writers.publish(step.actor, step.ids);
    case "arrive":
      return writers.arrive(step.which, step.fate);
    case "answer":
      return writers.answer(step.which);
    case "giveUp":
      return writers.giveUp(step.which);
    case "kill":
      return writers.kill(step.actor);
    case "wait":
      return turns(step.turns);
  }
}

/** From now on the log works: everything that is on its way comes to an end. */
async function settle(writers: Writers): Promise<void> {
  for (let i = 0; i < 1_000 && writers.busy; i++) {
    writers.arrive(0, "stored");
    writers.answer(0);
    await turns(20);
  }
  assert.equal(writers.busy, false);
}

function assertPromises(writers: Writers): void {
  const stored = writers.stored();
  assert.deepEqual(
    stored.map(({ seq }) => seq),
    stored.map((_, i) => i + 1),
    "seqs are 1, 2, 3 …",
  );
  assert.ok(new Set(stored.map(({ epoch }) => epoch)).size <= 1, "one epoch");
  const places = new Map(stored.map(({ id, seq }) => [id, seq]));
  assert.equal(places.size, stored.length, "no id is stored twice");
  for (const { id, seq } of writers.acknowledged)
    assert.equal(places.get(id), seq, `${id} was acknowledged at ${seq}`);
}

test("what is acknowledged is stored once, where it was said, whatever happens to actors and appends", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(anyStep, { maxLength: 120, size: "max" }),
      async (n, steps) => {
        const writers = new Writers(n);
        for (const step of steps) await perform(writers, step);
        assertPromises(writers);
        await settle(writers);
        assertPromises(writers);
      },
    ),
    { numRuns: 300 },
  );
});

test("after any faults the channel goes on: what is published again is acknowledged", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 60, size: "max" }), async (steps) => {
      const writers = new Writers(2);
      for (const step of steps) await perform(writers, step);
      await settle(writers);
      // The two still fence each other off now and then, which tells the loser's publishers to ask again.
      for (let i = 0; i < 10; i++) {
        writers.publish(0, ["last"]);
        await settle(writers);
      }
      assert.ok(writers.acknowledged.some(({ id }) => id === "last"));
      assertPromises(writers);
    }),
    { numRuns: 100 },
  );
});
