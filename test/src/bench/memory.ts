/** Memory of processes, from /proc. */
import { readFileSync } from "node:fs";

/** Resident bytes; NaN where there is no /proc. */
export function residentBytes(pid: number): number {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return match === null ? Number.NaN : Number(match[1]) * 1_024;
  } catch {
    return Number.NaN; // it has ended, or this is no Linux
  }
}
