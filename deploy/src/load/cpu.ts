/** CPU time of processes, from /proc; nothing where there is none. */
import { readFileSync } from "node:fs";

/** `USER_HZ`, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface Process {
  readonly kind: string;
  readonly pid: number;
}

/** Adds up CPU seconds per kind, also over processes that end and begin. */
export class CpuMeter {
  readonly #processes: () => readonly Process[];
  readonly #lastS = new Map<number, number>();
  readonly #sumS = new Map<string, number>();

  constructor(processes: () => readonly Process[]) {
    this.#processes = processes;
    this.sample();
    this.#sumS.clear();
  }

  /** To be called often enough that little is missed of a process that dies. */
  sample(): void {
    for (const { kind, pid } of this.#processes()) {
      const nowS = cpuSecondsOf(pid);
      if (nowS === undefined) continue;
      this.#sumS.set(kind, (this.#sumS.get(kind) ?? 0) + nowS - (this.#lastS.get(pid) ?? 0));
      this.#lastS.set(pid, nowS);
    }
  }

  /** CPU seconds per kind since the meter was made. */
  read(): Record<string, number> {
    this.sample();
    return Object.fromEntries([...this.#sumS].map(([kind, s]) => [kind, Math.round(s * 100) / 100]));
  }
}

export function cpuSecondsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the name, which may hold anything but ends with the last parenthesis: state is field 3, utime 14, stime 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined; // it has ended, or there is no /proc
  }
}
