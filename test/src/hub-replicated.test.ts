/** The hub's buckets in three copies: the server that leads the directory's dies, and then the one that leads after it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import {
  connectNats,
  createLogger,
  DirectoryStore,
  leaveNats,
  type NatsConnection,
  OperationStore,
  SettingsStore,
  withCell,
} from "@plexus/runtime";
import { NatsCluster } from "./harness/nats-cluster.js";
import { until } from "./harness/wait.js";

const COPIES = 3;
const DIRECTORY = "KV_plexus";
const BUCKETS = [DIRECTORY, "KV_plexus-settings", "KV_plexus-operations"];
const TENANT = "demo";
const OPERATION = "drain-1";
const CELLS = ["eu-1", "eu-2"];
/** A new leader takes seconds. */
const RECOVERY_MS = 120_000;
/** From a change on; the library by itself would miss a server that a watch came from after a minute at the earliest. */
const WATCH_MS = 30_000;

const log = createLogger("test", "test", "fatal");
const nats = new NatsCluster();
const opened: Array<{ connection: NatsConnection; stop: () => void }> = [];
before(() => nats.start());
after(async () => {
  for (const { stop } of opened) stop();
  await Promise.all(opened.map(({ connection }) => leaveNats(connection)));
  await nats.stop();
});

/** What a task comes to, which is tried again while it fails: while a bucket has no leader, nobody answers. */
async function persistently<T>(what: string, task: () => Promise<T>): Promise<T> {
  let cause: unknown;
  const tried = () =>
    task().then(
      (value) => ({ value }),
      (error: unknown) => {
        cause = error;
        return undefined;
      },
    );
  const { value } = await until(what, tried, RECOVERY_MS).catch((error: Error) => {
    throw new Error(error.message, { cause });
  });
  return value;
}

/** The stores of a process of its own. */
async function open(name: string) {
  const connection = await connectNats(nats.url, name, log);
  const hub = { hubReplicas: COPIES };
  const directory = await persistently("the directory", () => DirectoryStore.open(connection, log, hub));
  const settings = await persistently("the settings", () => SettingsStore.open(connection, log, hub));
  const operations = await persistently("the operations", () => OperationStore.open(connection, log, hub));
  const stop = () => {
    directory.stop();
    settings.stop();
  };
  opened.push({ connection, stop });
  return { connection, directory, settings, operations };
}

test("who leads is killed, and what was written is read and changed, and seen by who watches", async () => {
  const [writer, watcher] = [await open("writer"), await open("watcher")];
  const { streams } = await jetstreamManager(writer.connection, { checkAPI: false });
  const clusterOf = async (bucket: string) =>
    (await streams.info(bucket).catch(() => undefined))?.cluster ?? {};
  const hasAll = async (bucket: string) =>
    (await clusterOf(bucket)).replicas?.filter(({ current }) => current).length === COPIES - 1;
  const allCopies = async () => {
    for (const bucket of BUCKETS) await until(`all copies of ${bucket}`, () => hasAll(bucket), RECOVERY_MS);
  };

  await writer.operations.create(OPERATION, "drain", "eu-1", 1, Date.now());
  let { revision } = await writer.settings.changeTenant(TENANT, () => ({ quotas: { connections: 1 } }));
  await writer.directory.change((directory) => withCell(directory, "eu-0", "eu"));

  for (const [i, cell] of CELLS.entries()) {
    await allCopies();
    const leader = await until("a leader", async () => (await clusterOf(DIRECTORY)).leader, RECOVERY_MS);
    await nats.kill(leader);

    const reader = await open(`reader-${cell}`);
    assert.deepEqual(
      reader.directory.current.cells.map(({ id }) => id),
      ["eu-0", ...CELLS.slice(0, i)],
    );
    const stored = await persistently("the settings", () => reader.settings.tenant(TENANT));
    assert.deepEqual(stored, { value: { quotas: { connections: 1 + i } }, revision });
    const operation = await persistently("the operation", () => reader.operations.get(OPERATION));
    assert.deepEqual(Object.keys(operation!.progress), CELLS.slice(0, i));

    const quotas = { connections: 2 + i };
    const before = revision;
    await persistently("a cell is added", () => writer.directory.change((now) => withCell(now, cell, "eu")));
    const change = () => writer.settings.changeTenant(TENANT, () => ({ quotas }));
    ({ revision } = await persistently("the settings are changed", change));
    await assert.rejects(writer.settings.putTenant(TENANT, {}, before), { code: "conflict" });
    const progress = { moved: i, total: 1, done: false };
    await persistently("the operation is changed", () =>
      writer.operations.change(OPERATION, (now) => ({
        ...now,
        progress: { ...now.progress, [cell]: progress },
      })),
    );
    const { directory, settings } = watcher;
    const sees = () => directory.current.cells.some(({ id }) => id === cell);
    await until("who watches sees the cell", sees, WATCH_MS);
    const heard = () => settings.settings.tenant(TENANT).quotas.connections === quotas.connections;
    await until("who watches sees the settings", heard, WATCH_MS);

    nats.run(leader);
    await nats.ready();
  }
});
