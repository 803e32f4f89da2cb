/** Fairness on a model process: a queue that is worked off at a fixed pace, and lags by what waits in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FAIR_TICK_MS, FairShare } from "./fair-share.js";

const LAG_MS = 10;
/** Work per second that the model process does. */
const CAPACITY = 1_000;
/** Clients have so many requests under way at most: those who fill the queue wait for it. */
const MOST_WAITING = CAPACITY / 2;
const BUSY = CAPACITY / 10;
const STEPS_PER_TICK = 25;
const STEP_MS = FAIR_TICK_MS / STEPS_PER_TICK;

interface Outcome {
  /** Work that was let in, by tenant, in the second half. */
  readonly admitted: number[];
  readonly refused: number[];
  readonly lags: number[];
  /** The part of each tick in which there was something to do. */
  readonly busy: number[];
  readonly fair: FairShare;
}

/** Runs the process for so many looks; `demands` are per second, by tenant. */
function run(
  demands: readonly number[],
  ticks: number,
  options: { otherLagMs?: number; mostWaiting?: number; utilization?: number } = {},
): Outcome {
  const fair = new FairShare({ lagMs: LAG_MS, utilization: options.utilization ?? 1, starvation: 1 }, 0);
  const admitted = demands.map(() => 0);
  const refused = demands.map(() => 0);
  const owed = demands.map(() => 0);
  const [lags, busy]: [number[], number[]] = [[], []];
  let [now, queue] = [0, 0];
  for (let tick = 0; tick < ticks; tick++) {
    let [late, done] = [0, 0];
    for (let step = 0; step < STEPS_PER_TICK; step++) {
      now += STEP_MS;
      for (const [i, demand] of demands.entries())
        for (owed[i]! += (demand * STEP_MS) / 1_000; owed[i]! >= 1; owed[i]!--) {
          if (demand > BUSY && queue >= (options.mostWaiting ?? MOST_WAITING)) continue;
          if (fair.admit(`t${i}`, now) > 0) {
            refused[i]!++;
            continue;
          }
          fair.worked(`t${i}`, 1, now);
          queue++;
          if (tick >= ticks / 2) admitted[i]!++;
        }
      const worked = Math.min(queue, (CAPACITY * STEP_MS) / 1_000);
      queue -= worked;
      done += worked;
      late += (queue / CAPACITY) * 1_000;
    }
    lags.push(late / STEPS_PER_TICK + (options.otherLagMs ?? 0));
    busy.push(done / ((CAPACITY * FAIR_TICK_MS) / 1_000));
    fair.tick({ lagMs: lags.at(-1)!, utilization: busy.at(-1)!, starvation: 0 }, now);
  }
  return { admitted, refused, lags, busy, fair };
}

const seconds = (ticks: number) => (ticks * FAIR_TICK_MS) / 1_000;

test("a tenant with less than an equal part is never refused, whatever the others do", () => {
  const noisy = fc.array(fc.integer({ min: CAPACITY, max: 5 * CAPACITY }), { minLength: 1, maxLength: 4 });
  const quiet = fc.array(fc.integer({ min: 1, max: CAPACITY / 20 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(noisy, quiet, (loud, still) => {
      const { refused } = run([...loud, ...still], 80);
      for (const count of refused.slice(loud.length)) assert.equal(count, 0);
      if (loud.length + still.length > 1) assert.ok(refused.slice(0, loud.length).some((count) => count > 0));
    }),
    { numRuns: 30 },
  );
});

test("the lag stays bounded beside a noisy tenant, and the work that can be done is done", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 10 }), (times) => {
      const ticks = 400;
      const { admitted, lags } = run([times * CAPACITY, 50], ticks);
      const served = admitted.reduce((sum, count) => sum + count) / seconds(ticks / 2);
      assert.ok(served > 0.7 * CAPACITY, `${times}: served ${served} of ${CAPACITY} per second`);
      const late = lags.slice(ticks / 2).filter((lagMs) => lagMs > 10 * LAG_MS);
      assert.ok(late.length < ticks / 20, `${times}: late ${late.length} times of ${ticks / 2}`);
    }),
    { numRuns: 10 },
  );
});

test("before it is late at all a busy process shares its work out, and keeps some time free", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), (times) => {
      const ticks = 400;
      const { admitted, refused, lags, busy } = run([times * CAPACITY, 50], ticks, { utilization: 0.7 });
      assert.equal(refused[1], 0);
      const late = lags.slice(ticks / 2).filter((lagMs) => lagMs > LAG_MS);
      assert.ok(late.length < ticks / 20, `${times}: late ${late.length} times of ${ticks / 2}`);
      const part = busy.slice(ticks / 2).reduce((sum, each) => sum + each) / (ticks / 2);
      assert.ok(part > 0.5 && part < 0.8, `${times}: busy ${part} of the time`);
      assert.ok(admitted[0]! / seconds(ticks / 2) > CAPACITY / 2);
    }),
    { numRuns: 10 },
  );
});

test("an idle process without a processor shares its work out as well, and goes on where it has one again", () => {
  const fair = new FairShare({ lagMs: LAG_MS, utilization: 0.7, starvation: 0.1 }, 0);
  let now = 0;
  const look = (starvation: number) => {
    for (let i = 0; i < 100; i++) if (fair.admit("loud", now) === 0) fair.worked("loud", 1, now);
    fair.worked("still", 1, now);
    now += FAIR_TICK_MS;
    fair.tick({ lagMs: 0, utilization: 0.2, starvation }, now);
  };
  for (let i = 0; i < 8; i++) look(0.05);
  assert.equal(fair.limited, 0);
  for (let i = 0; i < 8; i++) look(0.3);
  assert.equal(fair.limited, 1);
  assert.equal(fair.admit("still", now), 0);
  for (let i = 0; i < 100; i++) look(0.05);
  assert.equal(fair.limited, 0);
});

test("a tenant that has gone leaves nobody behind to be fair to", () => {
  const fair = new FairShare({ lagMs: LAG_MS, utilization: 1, starvation: 0.1 }, 0);
  let now = 0;
  const look = () => {
    now += FAIR_TICK_MS;
    fair.tick({ lagMs: 0, utilization: 0.5, starvation: 0.9 }, now);
  };
  for (let tick = 0; tick < 20; tick++) {
    fair.worked("goes", 1_000, now);
    fair.worked("stays", 100, now);
    look();
  }
  assert.equal(fair.limited, 1);
  for (let tick = 0; tick < 60; tick++) {
    fair.worked("stays", 100, now);
    look();
    assert.equal(fair.admit("stays", now), 0);
    if (tick > 8) assert.equal(fair.size, 1);
  }
});

test("a process that does next to nothing refuses nobody for what others take of the processors", () => {
  const fair = new FairShare({ lagMs: LAG_MS, utilization: 0.7, starvation: 0.1 }, 0);
  let now = 0;
  const look = (utilization: number) => {
    fair.worked("much", 20, now);
    fair.worked("little", 1, now);
    now += FAIR_TICK_MS;
    fair.tick({ lagMs: 0, utilization, starvation: 0.9 }, now);
  };
  for (let tick = 0; tick < 40; tick++) {
    look(0.04);
    assert.equal(fair.limited, 0);
  }
  // The same with something to do is shared out.
  for (let tick = 0; tick < 10; tick++) look(0.2);
  assert.equal(fair.limited, 1);
});

test("those that have to wait in any case are told to come one after the other", () => {
  const fair = new FairShare({ lagMs: LAG_MS, utilization: 1, starvation: 1 }, 0);
  assert.equal(fair.turn("loud", 0), 0);
  for (let now = 0; now < 2_000; now += FAIR_TICK_MS) {
    fair.worked("loud", 250, now);
    fair.worked("still", 1, now);
    fair.tick({ lagMs: 10 * LAG_MS, utilization: 1, starvation: 0 }, now);
  }
  const turns = Array.from({ length: 100 }, () => fair.turn("loud", 2_000));
  assert.ok(turns.every((turn, i) => i === 0 || turn >= turns[i - 1]!));
  assert.ok(turns.at(-1)! - turns[0]! > 99, `${turns[0]} to ${turns.at(-1)} ms`);
});

test("who keeps up refuses nobody", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 190 }), { minLength: 1, maxLength: 5 }), (demands) => {
      const { refused, fair } = run(demands, 40);
      assert.ok(refused.every((count) => count === 0));
      assert.equal(fair.limited, 0);
    }),
  );
});

test("one tenant alone is not limited, however much the process lags; nor are equal ones", () => {
  for (const demands of [[10_000], [5_000, 5_000, 5_000]]) {
    const { refused, lags } = run(demands, 40, { mostWaiting: Number.POSITIVE_INFINITY });
    assert.ok(lags.at(-1)! > 10 * LAG_MS);
    assert.ok(refused.every((count) => count === 0));
  }
});

test("a lag with other causes brings nobody to a stop, and the limit goes with it", () => {
  const { admitted, fair } = run([500, 1], 200, { otherLagMs: 1_000 });
  assert.ok(admitted[0]! / seconds(100) > 20, `${admitted[0]! / seconds(100)} per second`);
  for (let now = 200 * FAIR_TICK_MS, i = 1; i < 100; i++) {
    now += FAIR_TICK_MS;
    for (let k = 0; k < 100; k++) if (fair.admit("t0", now) === 0) fair.worked("t0", 1, now);
    fair.worked("t1", 1, now);
    fair.tick({ lagMs: 0, utilization: 0, starvation: 0 }, now);
  }
  assert.equal(fair.limited, 0);
});

test("who has no work any more is forgotten, and there is a bound on those who have", () => {
  const fair = new FairShare({ lagMs: LAG_MS, utilization: 1, starvation: 1, maxTenants: 3 }, 0);
  for (let i = 0; i < 10; i++) fair.worked(`t${i}`, 1, 0);
  assert.equal(fair.size, 3);
  assert.equal(fair.admit("t9", 0), 0);
  for (let tick = 1; tick < 20; tick++)
    fair.tick({ lagMs: 0, utilization: 0, starvation: 0 }, tick * FAIR_TICK_MS);
  assert.equal(fair.size, 0);
});
