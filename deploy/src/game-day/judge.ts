/** When a game day ends by itself; pure. */
import type { Violations } from "../load/check.js";
import type { ByCode } from "../load/meter.js";

export interface Criteria {
  /** A message may wait so long at most: beyond it everything is undone. */
  readonly maxPauseMs: number;
  /** And so long before anything has begun. */
  readonly steadyPauseMs: number;
}

/** Undefined where it may go on. */
export function reasonToStop(
  violations: Readonly<Violations>,
  waitingMs: number,
  { maxPauseMs }: Criteria,
): string | undefined {
  const { lost, duplicated, misplaced } = violations;
  if (lost + duplicated + misplaced > 0)
    return `the guarantees do not hold: lost ${lost}, duplicated ${duplicated}, misplaced ${misplaced}`;
  if (waitingMs > maxPauseMs)
    return `a message has waited ${Math.round(waitingMs)} ms, the limit is ${maxPauseMs} ms`;
  return undefined;
}

/** What was added to counts. */
export function sinceOf(before: ByCode, now: ByCode): ByCode {
  const more = Object.entries(now).map(([code, count]) => [code, count - (before[code] ?? 0)] as const);
  return Object.fromEntries(more.filter(([, count]) => count > 0));
}
