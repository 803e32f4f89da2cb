/** Changes of placement, straight through the directory, as the admin API makes them. */
import {
  activate,
  createLogger,
  type Directory,
  DirectoryStore,
  drain,
  homeOf,
  type Operation,
  OperationStore,
  startOperation,
} from "@plexus/runtime";
import type { TestCluster } from "./cluster.js";
import { TENANT } from "./tokens.js";
import { until } from "./wait.js";

export interface Placements {
  readonly directory: DirectoryStore;
  readonly operations: OperationStore;
}

/** Those of a cluster of two cells, once both are active. */
export async function placements(cluster: TestCluster): Promise<Placements> {
  const nats = await cluster.nats();
  const log = createLogger("test", "test", "fatal");
  const directory = await DirectoryStore.open(nats, log);
  cluster.beforeStop(() => directory.stop());
  const context = { directory, operations: await OperationStore.open(nats, log) };
  await directoryWhere(context, "both cells to be active", ({ cells, operation }) => {
    return cells.filter(({ state }) => state === "active").length === 2 && !operation;
  });
  return context;
}

/** A cell that is home to none of so many is drained. */
const MAX_NAMES = 100_000;

/** Names of channels that live in a cell now. */
export function channelsIn({ directory }: Placements, cell: string, prefix: string, n: number): string[] {
  const found: string[] = [];
  for (let i = 0; found.length < n; i++) {
    if (i >= MAX_NAMES) throw new Error(`no ${n} channels live in ${cell}`);
    const channel = `chat.${prefix}-${i}`;
    if (homeOf(directory.current, TENANT, channel)?.cell === cell) found.push(channel);
  }
  return found;
}

export function channelIn(context: Placements, cell: string, prefix: string): string {
  return channelsIn(context, cell, prefix, 1)[0]!;
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
