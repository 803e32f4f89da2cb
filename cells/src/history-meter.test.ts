/** What the log holds of tenants with a quota, over a real NATS server; the timer is left out, and asked by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { subjects } from "@plexus/protocol";
import { Settings, type TenantStored } from "@plexus/runtime";
import { natsForFile, silent } from "@plexus/runtime/testing";
import { HistoryMeter } from "./history-meter.js";
import { JetStreamLog } from "./jetstream-log.js";
import { recordOf } from "./testing/past.js";

const OPTIONS = { appendDeadlineMs: 20_000, readDeadlineMs: 20_000, replicas: 1, maxBytes: -1 };

let log: JetStreamLog;
natsForFile(async (bus) => {
  log = await JetStreamLog.open(bus.nats, "c1", silent, OPTIONS);
  bus.atEnd(() => log.stop());
});

/** Stores so many records, each in a channel of its own; returns their bytes. */
async function store(tenant: string, from: number, to: number): Promise<number> {
  let bytes = 0;
  for (let i = from; i < to; i++) {
    const record = recordOf(1, 1, 1);
    bytes += record.length;
    const append = { subject: subjects.log("c1", tenant, `chat.c${i}`), bytes: record, fence: 0, opened: 0 };
    await new Promise((resolve) => log.append(append, resolve));
  }
  return bytes;
}

test("bytes of each tenant that has a quota, again when the log has changed, by the worker that leads", async () => {
  const settings = new Settings();
  const said: Array<readonly TenantStored[] | null> = [];
  let [leads, walks] = [true, 0];
  const counting = {
    state: () => log.state(),
    subjects: () => log.subjects(),
    bytesUnder: (filter: string) => {
      walks++;
      return log.bytesUnder(filter);
    },
  };
  const meter = new HistoryMeter({
    cell: "c1",
    log: counting,
    settings,
    tenants: { measured: (stored) => said.push(stored?.bytes ?? null) },
    intervalMs: 3_600_000,
    isLeader: () => leads,
    logger: silent,
  });
  const measured = async () => {
    await meter.measure();
    return said.at(-1);
  };
  try {
    const [acme, other] = [await store("acme", 0, 1_500), await store("other", 0, 3)];
    assert.equal(await measured(), null, "nobody has a quota");
    settings.putTenant("acme", { quotas: { historyBytes: 1 } });
    assert.deepEqual(await measured(), [["acme", acme]]);
    assert.deepEqual([await measured(), walks], [[["acme", acme]], 1], "the log is as it was");
    const more = await store("acme", 1_500, 1_510);
    assert.deepEqual(await measured(), [["acme", acme + more]]);
    settings.putInstallation({ quotas: { historyBytes: 1 } });
    assert.deepEqual([...(await measured())!].sort(), [
      ["acme", acme + more],
      ["other", other],
    ]);
    leads = false;
    assert.equal(await measured(), null);
  } finally {
    meter.stop();
  }
});
