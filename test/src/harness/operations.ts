/** Changes of placement, straight through the directory, as the admin API makes them. */
import {
  activate,
  createLogger,
  type Directory,
  DirectoryStore,
  drain,
  type Operation,
  OperationStore,
  startOperation,
} from "@plexus/runtime";
import type { TestCluster } from "./cluster.js";
import { until } from "./wait.js";

export interface Placements {
  readonly directory: DirectoryStore;
  readonly operations: OperationStore;
  stop(): void;
}

export async function placements(cluster: TestCluster): Promise<Placements> {
  const nats = await cluster.nats();
  const directory = await DirectoryStore.open(nats, createLogger("test", "test", "fatal"));
  return { directory, operations: await OperationStore.open(nats), stop: () => directory.stop() };
}

const CHANGES = { drain, activate };

/** Begins an operation; {@link finished} waits for its end. */
export async function begin(
  { directory, operations }: Placements,
  kind: keyof typeof CHANGES,
  cell: string,
): Promise<Operation> {
  await directory.refresh();
  return startOperation({ operations, directory, kind, cell, change: CHANGES[kind] });
}

export function finished({ operations }: Placements, { id }: Operation): Promise<Operation> {
  return until(`operation ${id} to end`, async () => {
    const operation = await operations.get(id);
    return operation !== null && operation.state !== "running" && operation;
  });
}

export async function operate(
  context: Placements,
  kind: keyof typeof CHANGES,
  cell: string,
): Promise<Operation> {
  return finished(context, await begin(context, kind, cell));
}

/** The directory, once it is as the condition wants it. */
export function directoryWhere(
  { directory }: Placements,
  what: string,
  condition: (directory: Directory) => boolean,
  deadlineMs?: number,
): Promise<Directory> {
  return until(what, () => condition(directory.current) && directory.current, deadlineMs);
}
