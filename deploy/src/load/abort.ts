/** When a load run ends by itself before its time; pure. */

export interface AbortLimits {
  /** Of the publishes that were due: beyond it there is nothing more to learn. */
  readonly errorShare: number;
  /** From due to acknowledged. */
  readonly ackP99Ms: number;
}

/** What was counted in a window of time. */
export interface Window {
  readonly due: number;
  readonly failed: number;
  readonly ackP99Ms: number | null;
  readonly lateP99Ms: number | null;
  /** Windows in a row, this one among them, in which the generator was too late. */
  readonly lateInARow: number;
}

/** Fewer say nothing about a share. */
const LEAST_DUE = 20;
/** A generator this late with its publishes measures itself. */
export const LATE_LIMIT_MS = 250;
/** A moment without a turn is no saturation. */
const LATE_WINDOWS = 3;

/** Why the run should end; undefined where it should go on. */
export function reasonToStop(window: Window, limits: AbortLimits): string | undefined {
  const { due, failed, ackP99Ms, lateP99Ms, lateInARow } = window;
  if (lateP99Ms !== null && lateInARow >= LATE_WINDOWS)
    return `the generator itself is saturated: its publishes are ${Math.round(lateP99Ms)} ms late (p99)`;
  if (due >= LEAST_DUE && failed / due > limits.errorShare)
    return `errors: ${percent(failed / due)} of the publishes, the limit is ${percent(limits.errorShare)}`;
  if (ackP99Ms !== null && ackP99Ms > limits.ackP99Ms)
    return `publish to ok takes ${Math.round(ackP99Ms)} ms (p99), the limit is ${limits.ackP99Ms} ms`;
  return undefined;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
