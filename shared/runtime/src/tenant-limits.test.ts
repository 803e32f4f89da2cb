/** Several processes on one tenant's quotas: what they say to each other goes straight from one to the other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import fc from "fast-check";
import { Settings } from "./settings.js";
import type { Quotas } from "./settings-schema.js";
import { TenantLimits } from "./tenant-limits.js";

function processes(
  count: number,
  quotas: Quotas,
): { all: TenantLimits[]; settings: Settings; second: (now: number) => void } {
  const settings = new Settings();
  settings.putTenant("acme", { quotas });
  const all = Array.from(
    { length: count },
    (_, i) =>
      new TenantLimits({ settings, by: `g${i}`, fair: { lagMs: 10, utilization: 1, starvation: 1 }, now: 0 }),
  );
  const second = (now: number) => {
    const said = all.flatMap((limits) => limits.endSecond(now));
    for (const limits of all) for (const message of said) limits.heard(message, now);
  };
  return { all, settings, second };
}

function refusal(act: () => void): PlexusError | null {
  try {
    act();
    return null;
  } catch (error) {
    assert.ok(error instanceof PlexusError);
    return error;
  }
}

function publishes(limits: TenantLimits, count: number, now: number): number {
  return Array.from({ length: count }, () =>
    refusal(() => limits.admitPublish("acme", "chat.a", 10, now)),
  ).filter((error) => error === null).length;
}

test("without quotas there is no bound, and nothing is said", () => {
  const { all, second } = processes(1, {});
  assert.equal(publishes(all[0]!, 10_000, 0), 10_000);
  assert.deepEqual(all[0]!.endSecond(1_000), []);
  second(2_000);
});

test("messages in: over any number of processes about the quota, after the first second", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 10, max: 500 }),
      fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 5, maxLength: 5 }),
      (count, quota, demands) => {
        const { all, second } = processes(count, { messagesInPerSecond: quota });
        const total = demands.slice(0, count).reduce((sum, demand) => sum + demand, 0);
        let admitted = 0;
        for (let s = 0; s < 20; s++) {
          for (let tenth = 0; tenth < 10; tenth++)
            for (const [i, limits] of all.entries()) {
              const taken = publishes(limits, Math.round(demands[i]! / 10), s * 1_000 + tenth * 100);
              if (s >= 10) admitted += taken;
            }
          second((s + 1) * 1_000);
        }
        assert.ok(admitted / 10 <= quota * 1.15 + count, `${admitted / 10} per second of ${quota}`);
        const due = Math.min(total, quota);
        assert.ok(admitted / 10 >= due * 0.85 - count * 6, `${admitted / 10} per second of ${due}`);
      },
    ),
    { numRuns: 30 },
  );
});

test("a refusal says when to come back, and then it succeeds", () => {
  const { all } = processes(1, { messagesInPerSecond: 10 });
  assert.equal(publishes(all[0]!, 10, 0), 10);
  const error = refusal(() => all[0]!.admitSignal("acme", 0));
  assert.deepEqual([error?.code, error?.retry], ["rate_limited", 100]);
  assert.equal(
    refusal(() => all[0]!.admitSignal("acme", 100)),
    null,
  );
});

test("messages out: nothing is held back, but while they are owed nobody publishes, in any process", () => {
  const { all, second } = processes(2, { messagesOutPerSecond: 100 });
  const [g0, g1] = all as [TenantLimits, TenantLimits];
  g0.delivered("acme", 300, 0);
  const error = refusal(() => g0.admitPublish("acme", "chat.a", 1, 0));
  assert.deepEqual([error?.code, error?.retry], ["rate_limited", 2_000]);
  assert.equal(publishes(g1, 1, 900), 1);
  second(1_000);
  const elsewhere = refusal(() => g1.admitPublish("acme", "chat.a", 1, 1_000));
  assert.deepEqual([elsewhere?.code, elsewhere?.retry], ["rate_limited", 2_000]);
  assert.equal(publishes(g0, 1, 2_000), 1);
  assert.equal(publishes(g1, 1, 3_000), 1);
});

test("connections are counted over all processes; those of one that went silent are not", () => {
  const { all, second } = processes(2, { connections: 3 });
  const [g0, g1] = all as [TenantLimits, TenantLimits];
  g0.connected("acme");
  g0.connected("acme");
  second(1_000);
  g1.connected("acme");
  assert.equal(refusal(() => g1.connected("acme"))?.code, "limit_reached");
  g0.disconnected("acme");
  second(2_000);
  g1.connected("acme");
  for (let now = 3_000; now <= 9_000; now += 1_000) g1.endSecond(now);
  g1.connected("acme");
  assert.equal(refusal(() => g1.connected("acme"))?.code, "limit_reached");
});

test("a message is no larger than its namespace allows", () => {
  const { all, settings } = processes(1, {});
  settings.putTenant("acme", { namespaces: { tiny: { maxMessageBytes: 20 } } });
  const limits = all[0]!;
  limits.admitPublish("acme", "tiny.a", 20, 0);
  assert.equal(refusal(() => limits.admitPublish("acme", "tiny.a", 21, 0))?.code, "too_large");
  limits.admitPublish("acme", "chat.a", 21, 0);
});

test("bytes of a message, of the log, and channels of a connection", () => {
  const { all } = processes(1, { messageBytes: 100, historyBytes: 1_000, channelsPerConnection: 5 });
  const limits = all[0]!;
  assert.equal(refusal(() => limits.admitPublish("acme", "chat.a", 101, 0))?.code, "too_large");
  limits.admitPublish("acme", "chat.a", 100, 0);
  limits.heard({ by: "w1", used: [], cell: "eu-1", stored: [["acme", 600]] }, 0);
  limits.admitPublish("acme", "chat.a", 100, 0);
  limits.measured({ cell: "us-1", bytes: [["acme", 400]] });
  limits.endSecond(1_000);
  const full = refusal(() => limits.admitPublish("acme", "chat.a", 1, 1_000));
  assert.equal(full?.code, "limit_reached");
  assert.deepEqual([limits.channels("acme", 500), limits.channels("other", 500)], [5, 500]);
});

test("quotas change while everything runs, and a tenant does not feel another one's", () => {
  const { all, settings } = processes(1, { messagesInPerSecond: 1 });
  const limits = all[0]!;
  assert.equal(publishes(limits, 5, 0), 1);
  for (let i = 0; i < 5; i++) limits.admitPublish("other", "chat.a", 1, 0);
  settings.putTenant("acme", {});
  assert.equal(publishes(limits, 5, 0), 5);
  settings.putTenant("acme", { quotas: { messagesInPerSecond: 2 } });
  assert.equal(publishes(limits, 5, 0), 2);
  settings.putInstallation({ quotas: { messagesInPerSecond: 3 } });
  assert.equal(publishes(limits, 5, 10_000), 2);
  assert.equal(
    refusal(() => {
      for (let i = 0; i < 4; i++) limits.admitPublish("other", "chat.a", 1, 10_000);
    })?.code,
    "rate_limited",
  );
});
