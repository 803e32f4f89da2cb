import { readFileSync } from "node:fs";

/**
 * When a process was started, which together with its pid names it for good: a pid alone may by now be another's.
 * Field 22 of /proc/<pid>/stat, counted after the name in parentheses, which may hold spaces; null where it has ended,
 * and on systems other than Linux.
 */
export function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}
