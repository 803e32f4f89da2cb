/** A process that is asked to end while NATS is away ends as it should: an update must not wait for what is broken. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { within } from "./harness/wait.js";

/** Kubernetes kills what takes longer than its grace; the processes' own bound is 15 s. */
const GRACE_MS = 14_000;

const cluster = clusterForFile({ admin: true, hooks: true, restart: false });

test("every process ends with 0 within its grace", async () => {
  const ada = await cluster.connect("ada");
  await ada.sub("chat.a");
  const nats = cluster.process("nats");
  nats.kill("SIGKILL");
  await nats.exited;
  const own = cluster.cluster.processes.filter(({ opsUrl }) => opsUrl !== null);
  assert.deepEqual(own.map(({ kind }) => kind).sort(), ["admin", "gateway", "hooks", "worker"]);
  for (const process of own) process.kill("SIGTERM");
  const ends = await within("all to end", Promise.all(own.map(({ exited }) => exited)), GRACE_MS);
  assert.deepEqual(
    ends.map(({ code, signal }, i) => `${own[i]!.kind} ${signal ?? code}`),
    own.map(({ kind }) => `${kind} 0`),
  );
});
