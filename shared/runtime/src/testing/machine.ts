/** What tests ask the machine they run on about its processes. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Whether a process runs. One that has ended and was not collected by its parent does not. */
export function isAlive(pid: number): boolean {
  return !["", "Z"].includes(processState(pid));
}

/** One letter, as the operating system says it: T for stopped, Z for ended and not collected; none if it is gone. */
export function processState(pid: number): string {
  if (process.platform !== "linux")
    return spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "latin1" })
      .stdout.trim()
      .charAt(0);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.charAt(stat.lastIndexOf(")") + 2);
  } catch (error) {
    // ESRCH: it ended while this was being read.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
