/** What a signal was over a window, and on which side of its band. Pure. */
import type { Sample, SignalName, Values } from "./samples.js";

/** One sample may be missing; over a longer gap nothing is known. */
export const MAX_GAP_SAMPLES = 2.5;

/** Of so many samples one may lie on the other side: a disk that hiccups once a day must not keep a cell for good. */
const ONE_IN = 20;

/** Busy from `high` on, idle up to `low`; in between neither, so that noise there changes nothing. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

export interface Windows {
  /** A sample is taken so often. */
  readonly sampleMs: number;
  /** For so long a signal has to be high. */
  readonly upMs: number;
  /** For so long all of them have to be low. */
  readonly downMs: number;
}

export interface Signal {
  /** A region, or `gateways`. */
  readonly of: string;
  readonly name: SignalName;
  readonly now: number | null;
  /**
   * Over the window for busy, one in twenty samples left out: it has to be `high` at least. null: the window is not
   * covered, or nothing was measured.
   */
  readonly lowest: number | null;
  /** Over the window for idle, likewise: it has to be `low` at most. */
  readonly highest: number | null;
  readonly band: Band;
  readonly state: "high" | "low" | "between" | "unknown";
}

/** How far back samples reach without a gap, milliseconds. */
export function covered(samples: readonly Sample[], sampleMs: number, now: number): number {
  let since = now;
  for (const { at } of [...samples].reverse()) {
    if (since - at > sampleMs * MAX_GAP_SAMPLES) break;
    since = at;
  }
  return now - since;
}

/** No delay in a time without messages is as good as a short one; no processor time is nobody who was heard. */
const IDLE_WHERE_NOTHING: ReadonlySet<SignalName> = new Set(["mailboxMs", "appendMs"]);

export function signalOf(context: {
  of: string;
  name: SignalName;
  samples: readonly Sample[];
  values: (sample: Sample) => Values | undefined;
  band: Band;
  windows: Windows;
  now: number;
}): Signal {
  const { of, name, samples, values, band, windows, now } = context;
  const series = samples.map((sample) => ({ at: sample.at, value: valueAt(values(sample), name) }));
  const reach = covered(samples, windows.sampleMs, now);
  const within = (ms: number) => {
    if (reach < ms) return null;
    const some = series.filter(({ at }) => now - at <= ms).map(({ value }) => value);
    return some.includes(undefined) ? null : (some as number[]).sort((a, b) => a - b);
  };
  const [up, down] = [within(windows.upMs), within(windows.downMs)];
  const lowest = up === null ? null : up[Math.floor(up.length / ONE_IN)]!;
  const highest = down === null ? null : down[down.length - 1 - Math.floor(down.length / ONE_IN)]!;
  const last = samples.at(-1);
  const shown = last === undefined ? null : (values(last)?.[name] ?? null);
  return { of, name, now: shown, lowest, highest, band, state: stateOf(lowest, highest, band) };
}

function valueAt(values: Values | undefined, name: SignalName): number | undefined {
  if (values === undefined) return undefined;
  if (values[name] !== null) return values[name];
  return IDLE_WHERE_NOTHING.has(name) && values.cpu !== null ? 0 : undefined;
}

function stateOf(lowest: number | null, highest: number | null, { low, high }: Band): Signal["state"] {
  if (lowest !== null && lowest >= high) return "high";
  if (highest !== null && highest <= low) return "low";
  return lowest === null ? "unknown" : "between";
}
