/** What a virtual machine's hypervisor gives to others of the time in which this machine has work: times measured meanwhile are longer. */
import { readFileSync } from "node:fs";

/** Of the first line of /proc/stat, see proc(5): user, nice, system, idle, iowait, irq, softirq, steal. */
const STEAL = 7;
const COUNTED = 8;

export class StealMeter {
  readonly #before = statLine();

  /** The share of all processors' time since this was made, idle time included; null where the system doesn't say. */
  read(): number | null {
    const now = statLine();
    return now === null || this.#before === null ? null : stolenBetween(this.#before, now);
  }
}

export function stolenBetween(before: string, after: string): number {
  const spent = fields(after).map((value, i) => value - fields(before)[i]!);
  const all = spent.reduce((sum, value) => sum + value, 0);
  return all === 0 ? 0 : spent[STEAL]! / all;
}

function fields(line: string): number[] {
  return line
    .trim()
    .split(/\s+/)
    .slice(1, COUNTED + 1)
    .map(Number);
}

function statLine(): string | null {
  try {
    return readFileSync("/proc/stat", "utf8").split("\n", 1)[0]!;
  } catch {
    return null;
  }
}
