/** How much memory processes take, before and after. */
import type { ClusterProcess } from "@plexus/deploy/launcher";
import { readMetrics } from "../harness/http.js";

const MIB = 1024 * 1024;
/** What a process may take beyond what it took: caches that have a bound fill, and a heap does not shrink at once. */
const MAY_GROW = { factor: 1.5, bytes: 96 * MIB };

export type Memory = Record<string, number>;

/** Resident bytes of workers and gateways, by name; none for one that does not say. */
export async function readMemory(processes: readonly ClusterProcess[]): Promise<Memory> {
  const measured = processes.filter(({ kind, opsUrl }) => opsUrl !== null && kind !== "admin");
  const entries = measured.map(async ({ id, opsUrl }) => {
    const metrics = await readMetrics(opsUrl!).catch(() => undefined);
    return [id, metrics?.sum("plexus_process_resident_memory_bytes") ?? 0] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Those that take too much more than before, in words. */
export function grown(before: Memory, after: Memory): string[] {
  return Object.entries(after).flatMap(([id, bytes]) => {
    if (bytes === 0) return [`${id} does not answer`];
    const was = before[id]!;
    if (bytes <= was * MAY_GROW.factor + MAY_GROW.bytes) return [];
    return [`${id} takes ${Math.round(bytes / MIB)} MiB, and took ${Math.round(was / MIB)} MiB before`];
  });
}
