/** A process that is asked to end while NATS and the traces' collector hang ends in its time, whatever it has to tell them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { stalledDuring, untilQuick } from "@plexus/runtime/testing";
import { Admin } from "./harness/admin.js";
import { TestCluster, type TestClusterOptions } from "./harness/cluster.js";
import { putTenant } from "./harness/lifecycle.js";
import { TENANT } from "./harness/tokens.js";
import { until, within } from "./harness/wait.js";

/** Behind the processes' own bound of 15 s, at which they would end with 1. */
const ENDED_WITHIN_MS = 25_000;

/** A collector that takes connections and answers nobody. */
const callers = new Set<Socket>();
const collector = createServer((socket) => {
  callers.add(socket.resume().unref());
  socket.on("error", () => undefined); // a process that ends cuts it
});
collector.listen(0, "127.0.0.1").unref();
await once(collector, "listening");
const traced = {
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  PLEXUS_TRACE_RATIO: "1",
};

const OPTIONS: TestClusterOptions = {
  admin: true,
  hooks: true,
  restart: false,
  workerEnv: traced,
  adminEnv: traced,
  // The longest grace that there is leaves the least for the rest.
  gatewayEnv: { ...traced, PLEXUS_STOP_GRACE_MS: "8000", PLEXUS_DRAIN_GRACE_MS: "60000" },
};

/** Of so long a stall what a process has left of its time may have been too little. */
const STALL_MS = 1_000;

test("every process ends with 0", () =>
  untilQuick("processes to end in their time", async () => {
    callers.clear();
    const cluster = new TestCluster(OPTIONS);
    try {
      await cluster.start();
      return await endsWithZero(cluster);
    } finally {
      await cluster.stop();
    }
  }));

/** Whether they did; where they did not although the machine did not stall, it fails. */
async function endsWithZero(cluster: TestCluster): Promise<boolean> {
  await putTenant(cluster, TENANT, { events: ["connected"] });
  // Stays when it is told to go, so that its good-bye falls into the gateway's last moments.
  const ada = await cluster.connect("ada");
  await ada.sub("chat.a", { presence: true });
  await ada.pub("chat.a", 1);
  await new Admin(cluster).post("/v1/gateways/g1/drain", { force: true });
  await until("spans on their way", () => callers.size > 0);
  cluster.process("nats").kill("SIGSTOP");
  void ada.pub("chat.a", 2).catch(() => undefined); // is cut off by the end
  const own = cluster.cluster.processes.filter(({ opsUrl }) => opsUrl !== null);
  assert.deepEqual(own.map(({ kind }) => kind).sort(), ["admin", "gateway", "hooks", "worker"]);
  const ended = own.map(async ({ kind, exited }) => {
    const { code, signal } = await exited;
    return `${kind} ${signal ?? code}`;
  });
  let ends: string[] = [];
  const stalled = await stalledDuring(STALL_MS, async () => {
    for (const process of own) process.kill("SIGTERM");
    ends = await within("all to end", Promise.all(ended), ENDED_WITHIN_MS);
  });
  const all = own.map(({ kind }) => `${kind} 0`);
  if (stalled && !isDeepStrictEqual(ends, all)) return false;
  assert.deepEqual(ends, all);
  return true;
}
