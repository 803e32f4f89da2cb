/** Memory of processes: from /proc, and from V8 where the process was started with `servers/heap-probe.ts`. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { until } from "../harness/wait.js";
import { heapFile } from "./servers/heap-file.js";

/** A machine that is short of processors may take long to collect a heap. */
const COLLECT_WITHIN_MS = 60_000;

/** Environment of a process whose heap is to be asked for. */
export const PROBED = { NODE_OPTIONS: `--import=${new URL("./servers/heap-probe.js", import.meta.url)}` };

/** Resident bytes; NaN where there is no /proc. */
export function residentBytes(pid: number): number {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return match === null ? Number.NaN : Number(match[1]) * 1_024;
  } catch {
    return Number.NaN; // it has ended, or this is no Linux
  }
}

/** Has a probed process collect its garbage; bytes that its heap holds then. */
export async function collectedHeapBytes(pid: number): Promise<number> {
  const file = heapFile(pid);
  rmSync(file, { force: true });
  process.kill(pid, "SIGUSR2");
  await until("the heap is collected", () => existsSync(file), COLLECT_WITHIN_MS);
  const bytes = Number(readFileSync(file, "latin1"));
  rmSync(file);
  return bytes;
}
