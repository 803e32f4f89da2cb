/** A plan grows with its users, leaves one to spare, adds up, and rests on figures that the documents have. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { COSTS, isMeasured, type Measured } from "./costs.js";
import { type PlanInputs, readInputs, readRegions } from "./inputs.js";
import { planLines } from "./lines.js";
import { makePlan } from "./plan.js";
import { OF_HUB, SUMMED, type Total } from "./plan-totals.js";
import { readPrices } from "./prices.js";

const root = new URL("../../../", import.meta.url);

function inputsOf(more: object): PlanInputs {
  const read = readInputs(more);
  assert.ok("inputs" in read, JSON.stringify(read));
  return read.inputs;
}

const anyInputs = fc.record({
  users: fc.integer({ min: 1, max: 200_000_000 }),
  concurrentShare: fc.double({ min: 0.001, max: 1, noNaN: true }),
  channelsPerUser: fc.integer({ min: 1, max: 100 }),
  membersPerChannel: fc.integer({ min: 1, max: 5_000 }),
  messagesPerUserPerDay: fc.integer({ min: 0, max: 2_000 }),
  peakFactor: fc.integer({ min: 1, max: 20 }),
  presenceShare: fc.double({ min: 0, max: 1, noNaN: true }),
  joinsPerSecond: fc.integer({ min: 0, max: 10_000 }),
  historyReadsPerSecond: fc.integer({ min: 0, max: 10_000 }),
  bots: fc.integer({ min: 0, max: 100_000 }),
  webhooksPerSecond: fc.integer({ min: 0, max: 10_000 }),
  headroom: fc.double({ min: 0.1, max: 1, noNaN: true }),
  regions: fc.constantFrom({ all: 1 }, { eu: 0.6, us: 0.4 }, { a: 0.5, b: 0.3, c: 0.2 }),
});

test("more users never take less of anything", () => {
  fc.assert(
    fc.property(anyInputs, fc.double({ min: 1, max: 10, noNaN: true }), (given, factor) => {
      const few = makePlan(inputsOf(given)).totals;
      const many = makePlan(inputsOf({ ...given, users: given.users * factor })).totals;
      for (const id of [...SUMMED, ...OF_HUB])
        assert.ok(many[id] >= few[id] * (1 - 1e-9), `${id}: ${few[id]} of ${given.users}, then ${many[id]}`);
    }),
  );
});

test("with one gateway of a region and one worker of each cell gone, the rest is not beyond its headroom", () => {
  fc.assert(
    fc.property(anyInputs, (given) => {
      const inputs = inputsOf(given);
      for (const { quantities } of makePlan(inputs).regions) {
        const of = (id: string) => quantities.find((quantity) => quantity.id === id)!.value;
        assert.ok(of("gateways") >= 2 && of("workers") >= 2 * of("cells") && of("cells") >= 1);
        assert.ok(of("gatewayCores") <= (of("gateways") - 1) * inputs.headroom * (1 + 1e-9));
        assert.ok(of("workerCores") <= (of("workers") - of("cells")) * inputs.headroom * (1 + 1e-9));
        assert.ok(of("workers") <= 64 * of("cells"), "a cell has 64 partitions");
        assert.equal(of("natsServers"), of("cells") * inputs.natsReplicas);
      }
    }),
  );
});

test("bots, webhooks, joins and reads of history each take more of what carries them, and of nothing else", () => {
  const plain = makePlan(inputsOf({ users: 1_000_000 })).totals;
  const raised = (more: object) => {
    const { totals } = makePlan(inputsOf({ users: 1_000_000, ...more }));
    return (Object.keys(plain) as Total[]).filter((id) => totals[id] > plain[id]).sort();
  };
  assert.deepEqual(raised({ bots: 5_000 }), ["hubCores", "hubMemory"]);
  assert.deepEqual(raised({ webhooksPerSecond: 10 }), ["hooksCores"]);
  const reads = raised({ historyReadsPerSecond: 10 });
  assert.deepEqual(reads, ["egressPeak", "gatewayCores", "hubCores", "natsCores", "workerCores"]);
  const joins = raised({ joinsPerSecond: 10 });
  assert.deepEqual(joins, ["gatewayCores", "hubCores", "natsCores", "redisCores", "workerCores"]);
  const deep = { historyReadsPerSecond: 1_000, deepShare: 0.5 };
  assert.ok(
    makePlan(inputsOf({ users: 1_000_000, ...deep })).totals.workerCores >
      makePlan(inputsOf({ users: 1_000_000, ...deep, deepShare: 0 })).totals.workerCores,
    "what is searched for costs more than what is in memory",
  );
  const beyond = makePlan(inputsOf({ users: 1_000_000, webhooksPerSecond: 10_000 })).beyond.join("\n");
  assert.match(beyond, /One process sends all webhooks[\s\S]*was not measured/);
});

test("regions add up to the whole, lines to the price", () => {
  const prices = {
    currency: "EUR",
    corePerMonth: 20,
    gibMemoryPerMonth: 3,
    gbStoragePerMonth: 0.1,
    gbEgress: 0.05,
  };
  fc.assert(
    fc.property(anyInputs, (given) => {
      const { regions, totals, bill } = makePlan(inputsOf(given), prices);
      for (const id of SUMMED) {
        const sum = regions.reduce(
          (all, { quantities }) => all + quantities.find((one) => one.id === id)!.value,
          0,
        );
        assert.ok(Math.abs(sum - totals[id]) <= Math.abs(sum) * 1e-9, id);
      }
      assert.ok(Math.abs(totals.users - given.users) < given.users * 0.002);
      assert.equal(
        bill!.total,
        bill!.lines.reduce((all, { amount }) => all + amount, 0),
      );
    }),
  );
  assert.equal(makePlan(inputsOf({ users: 1 })).bill, null, "no price without unit costs");
});

test("measured costs are those of the documents", () => {
  for (const [name, cost] of Object.entries<Measured | { because: string; value: number }>(COSTS)) {
    if (!isMeasured(cost)) continue;
    const found = cost.pattern.exec(readFileSync(new URL(cost.document, root), "utf8"));
    assert.ok(
      found,
      `${name}: ${cost.document} has no longer ${cost.pattern}; mend deploy/src/plan/costs.ts`,
    );
    const value = Number(found[1]!.replaceAll(",", ""));
    assert.equal(
      value,
      cost.value,
      `${name}: ${cost.document} says ${value} by now; bring deploy/src/plan/costs.ts up to date`,
    );
  }
});

test("a plan says of every figure where it is from, and what it goes beyond", () => {
  const plan = makePlan(inputsOf({ users: 50_000_000, regions: { eu: 0.6, us: 0.4 } }));
  assert.deepEqual(
    new Set(plan.rests.map(({ cost }) => cost)),
    new Set(Object.keys(COSTS)),
    "no cost is there for nothing",
  );
  const text = planLines(plan, true).join("\n");
  assert.match(text, /publishes × 6.8 µs/);
  assert.match(
    text,
    /measured: docs\/benchmarks\.md, "Publish: Plexus, 500 channels, worker µs per publish"/,
  );
  assert.match(text, /assumed: /);
  assert.match(text, /times as many: nobody has measured that/);
  assert.match(text, /Replicated logs were not measured/);
  assert.match(text, /How what there is once comes about/);
  assert.doesNotMatch(planLines(plan, false).join("\n"), /How region/);
});

test("what is wrong with what was given is said by its name", () => {
  assert.deepEqual(readRegions("eu=0.6, us=0.4"), { eu: 0.6, us: 0.4 });
  assert.deepEqual(readRegions("eu,us"), { eu: 0.5, us: 0.5 });
  for (const text of ["", "eu,eu", "eu=x", "eu=0"]) assert.equal(readRegions(text), undefined, text);
  const wrong = readInputs({ users: 10, regions: { eu: 0.5 }, headroom: 2 });
  assert.ok("problems" in wrong);
  assert.match(wrong.problems.join("\n"), /regions: the shares must add up to 1[\s\S]*headroom/);
  const prices = readPrices({ corePerMonht: 1 });
  assert.ok("problems" in prices);
  assert.match(prices.problems[0]!, /corePerMonht/);
});

test("the prices of docs/grow.md are prices", () => {
  const document = readFileSync(new URL("docs/grow.md", root), "utf8");
  const shown = /^```json prices\n([\s\S]*?)^```$/m.exec(document)![1]!;
  assert.ok("prices" in readPrices(JSON.parse(shown)));
});
