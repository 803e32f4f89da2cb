import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the probe of a process writes what its heap holds. */
export function heapFile(pid: number): string {
  return join(tmpdir(), `plexus-bench-heap-${pid}`);
}
