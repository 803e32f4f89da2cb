import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type OthersUse, STORED_TTL_MS, shareOf, TenantUsage, USAGE_TTL_MS } from "./tenant-usage.js";

const nobody: OthersUse = { connections: 0, demand: 0, processes: 0 };

/** What the process `self` knows of the others. */
function othersOf(demands: readonly number[], self: number): OthersUse {
  const others = demands.filter((_, i) => i !== self);
  return { ...nobody, demand: others.reduce((sum, demand) => sum + demand, 0), processes: others.length };
}

const quotas = fc.integer({ min: 1, max: 1_000_000 });
const demands = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 20 });

test("alone, all of the quota is one's own; beside others, a little always is", () => {
  assert.equal(shareOf(100, 0, nobody), 100);
  assert.equal(shareOf(100, 5_000, nobody), 100);
  assert.equal(shareOf(100, 0, { ...nobody, demand: 1_000, processes: 4 }), 2);
  assert.equal(shareOf(100, 300, { ...nobody, demand: 100, processes: 1 }), 75);
});

test("while all together want no more than there is, everybody gets what it wants", () => {
  fc.assert(
    fc.property(quotas, demands, (quota, wanted) => {
      const total = wanted.reduce((sum, demand) => sum + demand, 0);
      fc.pre(total <= quota);
      for (const [i, demand] of wanted.entries())
        assert.ok(shareOf(quota, demand, othersOf(wanted, i)) >= demand);
    }),
  );
});

test("once all want more, all parts together are the quota and a tenth at most, and none is zero", () => {
  fc.assert(
    fc.property(quotas, demands, (quota, wanted) => {
      const total = wanted.reduce((sum, demand) => sum + demand, 0);
      fc.pre(total >= quota);
      const shares = wanted.map((demand, i) => shareOf(quota, demand, othersOf(wanted, i)));
      assert.ok(shares.every((share) => share > 0));
      const sum = shares.reduce((all, share) => all + share, 0);
      assert.ok(sum >= quota * 0.999 && sum <= quota * 1.101, `${sum} of ${quota}`);
    }),
  );
});

test("what others say adds up, is replaced by what they say next, and is forgotten after a silence", () => {
  const usage = new TenantUsage();
  usage.heard(
    {
      by: "g1",
      used: [
        ["a", 2, 10, 0],
        ["b", 1, 0, 0],
      ],
    },
    0,
  );
  usage.heard({ by: "g2", used: [["a", 3, 5, 7]] }, 1_000);
  assert.deepEqual(usage.others("a"), { connections: 5, demand: 15, processes: 2 });
  usage.heard({ by: "g1", used: [["a", 1, 4, 0]] }, 2_000);
  assert.deepEqual(usage.others("a"), { connections: 4, demand: 9, processes: 2 });
  usage.heard({ by: "g2", used: [["a", 0, 0, 0]] }, 3_000);
  assert.deepEqual(usage.others("a"), { connections: 1, demand: 4, processes: 1 });
  usage.expire(2_000 + USAGE_TTL_MS);
  assert.deepEqual([usage.others("a").connections, usage.others("b").connections], [1, 0]);
  usage.expire(2_001 + USAGE_TTL_MS);
  assert.deepEqual(usage.others("a"), nobody);
  assert.equal(usage.size, 0);
});

test("what cells store is added over cells, and remembered for longer", () => {
  const usage = new TenantUsage();
  usage.heard({ by: "w1", used: [], cell: "eu-1", stored: [["a", 100]] }, 0);
  usage.heard({ by: "w2", used: [], cell: "us-1", stored: [["a", 50]] }, 0);
  usage.heard({ by: "w3", used: [], cell: "eu-1", stored: [["a", 70]] }, 1_000);
  usage.expire(USAGE_TTL_MS * 2);
  assert.equal(usage.stored("a"), 120);
  usage.expire(STORED_TTL_MS + 1);
  assert.equal(usage.stored("a"), 70);
  usage.expire(STORED_TTL_MS + 1_001);
  assert.deepEqual([usage.stored("a"), usage.size], [0, 0]);
});

test("memory has a bound, and sums stay right whatever is said in whatever order", () => {
  const said = fc.record({
    by: fc.constantFrom("g1", "g2", "g3"),
    tenant: fc.constantFrom("a", "b", "c", "d"),
    connections: fc.nat({ max: 3 }),
    demand: fc.nat({ max: 3 }),
    waitMs: fc.nat({ max: 4_000 }),
  });
  fc.assert(
    fc.property(fc.array(said, { maxLength: 60 }), (all) => {
      const usage = new TenantUsage(6);
      const model = new Map<string, { connections: number; demand: number; at: number }>();
      let now = 0;
      for (const { by, tenant, connections, demand, waitMs } of all) {
        now += waitMs;
        usage.expire(now);
        for (const [key, { at }] of model) if (now - at > USAGE_TTL_MS) model.delete(key);
        usage.heard({ by, used: [[tenant, connections, demand, 0]] }, now);
        model.delete(`${tenant}/${by}`);
        if (connections + demand > 0 && model.size < 6)
          model.set(`${tenant}/${by}`, { connections, demand, at: now });
        assert.equal(usage.size, model.size);
        for (const name of ["a", "b", "c", "d"]) {
          const those = [...model].filter(([key]) => key.startsWith(name)).map(([, value]) => value);
          assert.deepEqual(usage.others(name), {
            connections: those.reduce((sum, value) => sum + value.connections, 0),
            demand: those.reduce((sum, value) => sum + value.demand, 0),
            processes: those.length,
          });
        }
      }
    }),
  );
});
