/** When a cell is advised, and when none is: by table, and for any samples there can be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Advice, advise, type Policy, type Situation } from "./advise.js";
import type { RegionSample, Sample, SignalName, Values } from "./samples.js";

const S = 1_000;
const MINUTE = 60 * S;
const BANDS: Policy["bands"] = {
  cpu: { low: 0.3, high: 0.7 },
  fill: { low: 0.4, high: 0.75 },
  lagMs: { low: 5, high: 25 },
  mailboxMs: { low: 20, high: 100 },
  appendMs: { low: 20, high: 100 },
};
const POLICY: Policy = {
  sampleMs: 10 * S,
  upMs: 5 * MINUTE,
  downMs: 30 * MINUTE,
  cooldownMs: 10 * MINUTE,
  maxWorkers: 4,
  bands: BANDS,
};

const IDLE: Values = { cpu: 0.1, fill: 0.1, lagMs: 0.5, mailboxMs: 1, appendMs: 2 };
const BETWEEN: Values = { cpu: 0.5, fill: 0.5, lagMs: 10, mailboxMs: 50, appendMs: 50 };

interface Shape {
  eu?: Partial<Values>;
  gateways?: Partial<Values>;
  /** Workers of each cell of eu; a cell's channels are ten times its number. */
  workers?: number[];
  us?: Partial<Values>;
}

function region(id: string, workers: readonly number[], values: Partial<Values>): RegionSample {
  const cells = workers.map((count, i) => ({ id: `${id}-${i + 1}`, workers: count, channels: 10 * (i + 1) }));
  return { cells, values: { ...IDLE, ...values } };
}

function sample(at: number, { eu = {}, gateways = {}, workers = [4, 4], us }: Shape): Sample {
  const regions = new Map([["eu", region("eu", workers, eu)]]);
  if (us !== undefined) regions.set("us", region("us", [4], us));
  return { at, version: 3, regions, gateways: { count: 2, values: { ...IDLE, ...gateways } } };
}

/** As many samples as fit into so long, the newest one now. */
function over(ms: number, shape: (at: number) => Shape): Sample[] {
  const count = Math.floor(ms / POLICY.sampleMs) + 1;
  return Array.from({ length: count }, (_, i) => sample(i * POLICY.sampleMs, shape(i * POLICY.sampleMs)));
}

function ask(samples: readonly Sample[], more: Partial<Situation> = {}): Advice {
  const now = samples.at(-1)?.at ?? 0;
  return advise({ samples, now, operation: null, sinceChangeMs: null, ...more }, POLICY);
}

const HOUR = 60 * MINUTE;
const always = (shape: Shape) => over(HOUR, () => shape);

const table: Array<[what: string, samples: Sample[], expected: Partial<Advice>, reason: RegExp]> = [
  ["nothing yet", [], { advice: "none" }, /nothing was measured yet/],
  [
    "just started",
    over(40 * S, () => ({ eu: { cpu: 0.9 } })),
    { advice: "none", historyMs: 40 * S },
    /not enough history: 40 s without a change or a gap, of 5 m/,
  ],
  [
    "busy for long enough, with all workers that a cell may have",
    over(5 * MINUTE, () => ({ eu: { cpu: 0.82 } })),
    { advice: "add", region: "eu" },
    /eu: 0\.82 processor cores a process at least for 5 m, busy from 0\.70; each cell has all its workers/,
  ],
  [
    "busy, but with few workers",
    always({ eu: { cpu: 0.9 }, workers: [4, 2] }),
    { advice: "none", workers: { cell: "eu-2", count: 3 } },
    /more workers come first: eu-2 has 2 of at most 4/,
  ],
  [
    "few workers, but it is the log that is slow",
    always({ eu: { appendMs: 150, mailboxMs: 160 }, workers: [4, 2] }),
    { advice: "add", region: "eu" },
    /a mailbox delay \(p99\) of 160 ms .*; eu: an append \(p99\) of 150 ms .*; the log is slow/,
  ],
  [
    "full",
    always({ eu: { fill: 0.8 } }),
    { advice: "add", region: "eu" },
    /80 % of what a process may hold at least for 5 m, busy from 75 %/,
  ],
  [
    "one quiet moment in a busy time, of thirty",
    over(HOUR, (at) => ({ eu: { cpu: at === HOUR - 2 * MINUTE ? 0.1 : 0.95 } })),
    { advice: "add", region: "eu" },
    /0\.95 processor cores/,
  ],
  [
    "two quiet moments in a busy time, of thirty",
    over(HOUR, (at) => ({ eu: { cpu: [HOUR, HOUR - 2 * MINUTE].includes(at) ? 0.69 : 0.95 } })),
    { advice: "none" },
    /no region was busy all the time/,
  ],
  ["neither busy nor idle", always({ eu: BETWEEN }), { advice: "none" }, /no region was busy all the time/],
  [
    "idle for long enough",
    over(30 * MINUTE, () => ({})),
    { advice: "drain", region: "eu", cell: "eu-1" },
    /all signals of eu were low for 30 m.*eu-1 has the fewest channels in memory \(10\).*0\.20 processor cores/,
  ],
  ["idle, but not for so long", over(29 * MINUTE, () => ({})), { advice: "none" }, /no region was busy/],
  [
    "idle but for one moment",
    over(HOUR, (at) => (at === HOUR - 20 * MINUTE ? { eu: { mailboxMs: 2_000 } } : {})),
    { advice: "drain", cell: "eu-1" },
    /low for 30 m/,
  ],
  [
    "idle but for two of thirty minutes",
    over(HOUR, (at) => (at > HOUR - 2 * MINUTE ? { eu: { mailboxMs: 21 } } : {})),
    { advice: "none" },
    /no region/,
  ],
  ["idle, and the only cell", always({ workers: [4] }), { advice: "none" }, /no region/],
  [
    "idle, but too much for the others",
    always({ eu: { cpu: 0.29 }, workers: [1, 1] }),
    { advice: "none" },
    /no region/,
  ],
  [
    "nothing published: there are no delays, and that is idle",
    always({ eu: { mailboxMs: null, appendMs: null } }),
    { advice: "drain" },
    /eu-1/,
  ],
  [
    "a cell of which nobody is heard",
    always({ eu: { cpu: null, fill: null, lagMs: null, mailboxMs: null, appendMs: null } }),
    { advice: "none" },
    /not all cells were heard, in eu/,
  ],
  [
    "gateways are busy",
    always({ gateways: { lagMs: 40 } }),
    { advice: "none", gateways: "add" },
    /gateways are busy, cells are not; add a gateway: gateways: an event loop 40 ms late/,
  ],
  [
    "cells and gateways are busy",
    always({ eu: { cpu: 0.8 }, gateways: { cpu: 0.8 } }),
    { advice: "add", gateways: "add" },
    /eu: 0\.80/,
  ],
  [
    "one region is busy, and another one idle",
    always({ us: { cpu: 0.8 } }),
    { advice: "add", region: "us" },
    /us: 0\.80/,
  ],
  [
    "the bus was away in between",
    over(HOUR, () => ({ eu: { cpu: 0.9 } })).filter(
      ({ at }) => at < HOUR - 4 * MINUTE || at > HOUR - 3 * MINUTE,
    ),
    { advice: "none", historyMs: 2 * MINUTE + 50 * S },
    /not enough history/,
  ],
];

for (const [what, samples, expected, reason] of table)
  test(`advice: ${what}`, () => {
    const given = ask(samples);
    const { advice, region: where, cell, workers, gateways } = given;
    const shown = { advice, region: where, cell, workers, gateways };
    const { historyMs, ...rest } = expected;
    const none = { region: undefined, cell: undefined, workers: undefined, gateways: undefined };
    assert.deepEqual({ ...shown, ...rest }, shown, given.reason);
    if (rest.advice === "none") assert.deepEqual(shown, { ...none, ...rest });
    if (historyMs !== undefined) assert.equal(given.historyMs, historyMs);
    assert.match(given.reason, reason);
  });

test("after a change, and during one, nothing is advised, and it says what would have been", () => {
  const busy = always({ eu: { cpu: 0.9 } });
  const late = ask(busy, { sinceChangeMs: 7 * MINUTE });
  assert.deepEqual([late.advice, late.cooldownMs], ["none", 3 * MINUTE]);
  assert.match(late.reason, /wait 3 m; otherwise: add, since eu: 0\.90/);
  assert.equal(ask(busy, { sinceChangeMs: 10 * MINUTE }).advice, "add");
  const during = ask(busy, { operation: "drain-1" });
  assert.deepEqual([during.advice, during.region], ["none", undefined]);
  assert.match(during.reason, /operation drain-1 is under way/);
});

test("the signals say where each number stands, so that a person can do the sums", () => {
  const { signals } = ask(over(HOUR, (at) => ({ eu: { cpu: at === HOUR ? 0.9 : 0.8 } })));
  assert.deepEqual(
    signals.map(({ of, name }) => `${of} ${name}`),
    [
      "eu cpu",
      "eu fill",
      "eu lagMs",
      "eu mailboxMs",
      "eu appendMs",
      "gateways cpu",
      "gateways fill",
      "gateways lagMs",
    ],
  );
  const cpu = { of: "eu", name: "cpu", now: 0.9, lowest: 0.8, highest: 0.8, band: BANDS.cpu, state: "high" };
  assert.deepEqual(signals[0], cpu);
});

const anyValues = (pick: (band: { low: number; high: number }) => fc.Arbitrary<number>) =>
  fc.record(
    Object.fromEntries(Object.entries(BANDS).map(([name, band]) => [name, pick(band)])) as Record<
      SignalName,
      fc.Arbitrary<number>
    >,
  );
const within = anyValues(({ low, high }) =>
  fc.double({ min: low, max: high, minExcluded: true, maxExcluded: true, noNaN: true }),
);
const anything = anyValues(({ high }) => fc.double({ min: 0, max: high * 3, noNaN: true }));

test("whatever noise there is between low and high, nothing is advised", () => {
  fc.assert(
    fc.property(fc.array(within, { minLength: 5, maxLength: 20 }), (noise) => {
      const samples = over(HOUR, (at) => ({
        eu: noise[(at / POLICY.sampleMs) % noise.length]!,
        gateways: noise[(at / POLICY.sampleMs + 3) % noise.length]!,
        workers: [1, 1, 1],
      }));
      for (let n = 1; n <= samples.length; n += 7) {
        const { advice, workers, gateways } = ask(samples.slice(0, n));
        assert.deepEqual([advice, workers, gateways], ["none", undefined, undefined]);
      }
    }),
    { numRuns: 30 },
  );
});

test("whatever is measured, a region's last active cell is never to be drained, and no cell of another region", () => {
  const steady = fc.oneof(anything, fc.constant(IDLE));
  const shapes = fc.record({
    eu: steady,
    us: steady,
    workers: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }),
    minutes: fc.integer({ min: 1, max: 60 }),
    sinceChangeMs: fc.option(fc.integer({ min: 0, max: HOUR })),
  });
  const drained = new Set<boolean>();
  fc.assert(
    fc.property(shapes, ({ eu, us, workers, minutes, sinceChangeMs }) => {
      const samples = over(minutes * MINUTE, () => ({ eu, us, workers }));
      const given = ask(samples, { sinceChangeMs });
      drained.add(given.advice === "drain");
      if (given.advice !== "drain") return;
      const { cells } = samples.at(-1)!.regions.get(given.region!)!;
      assert.ok(cells.length > 1);
      assert.ok(cells.some(({ id }) => id === given.cell));
      assert.ok(minutes >= 30 && (sinceChangeMs === null || sinceChangeMs >= POLICY.cooldownMs));
    }),
    { numRuns: 300 },
  );
  assert.deepEqual([...drained].sort(), [false, true], "both came up");
});

test("a drain is never followed by an addition under the same load", () => {
  const load = fc.record({
    cores: fc.double({ min: 0, max: 4, noNaN: true }),
    cells: fc.integer({ min: 2, max: 6 }),
  });
  fc.assert(
    fc.property(load, ({ cores, cells }) => {
      const shape = (count: number): Shape => ({
        eu: { cpu: cores / (count * 2) },
        workers: Array.from({ length: count }, () => 2),
      });
      for (let count = cells; count >= 1; count--) {
        const { advice } = ask(always(shape(count)));
        if (advice !== "drain") return;
        const after = ask(always(shape(count - 1)));
        assert.ok(after.advice !== "add" && after.workers === undefined, `${cores} cores in ${count} cells`);
      }
    }),
  );
});
