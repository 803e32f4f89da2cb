/**
 * Whether a cell should be added or drained, by what was measured of late. Pure: samples, a time and the policy go in,
 * one advice comes out, with the numbers that it rests on.
 *
 * - Add: one of a region's signals was at its band's `high` or above all through the window `upMs`, one in twenty samples
 *   left out.
 * - Drain: all of a region's signals were at their band's `low` or below all through the longer window `downMs`, likewise, and the
 *   cells that stay would then still be in the lower half of the bands. Never a region's last active cell.
 * - What lies between does nothing, and what was measured before the last change of the directory does not count.
 *
 * (Stabilisation windows and a tolerance, as the Kubernetes HorizontalPodAutoscaler has them.)
 */
import { span } from "../../cli/text.js";
import type { RegionSample, Sample, SignalName, Values } from "./samples.js";
import { SIGNALS } from "./samples.js";
import { numberOf, textOf } from "./text.js";
import { type Band, covered, type Signal, signalOf, type Windows } from "./windows.js";

export interface Policy extends Windows {
  /** Nothing is advised for so long after a change of the directory. */
  readonly cooldownMs: number;
  /** Workers of one cell at most: up to there they are the better answer, as long as the log keeps up. */
  readonly maxWorkers: number;
  readonly bands: Readonly<Record<SignalName, Band>>;
}

export interface Situation {
  readonly samples: readonly Sample[];
  readonly now: number;
  /** The operation under way. */
  readonly operation: string | null;
  /** Since the last change of the directory; null where none is known. */
  readonly sinceChangeMs: number | null;
}

export interface Advice {
  readonly advice: "add" | "drain" | "none";
  /** Where to add; or the cell to drain, and its region. */
  readonly region?: string;
  readonly cell?: string;
  /** What would help rather than a cell: as many workers of a cell, more gateways. */
  readonly workers?: { readonly cell: string; readonly count: number };
  readonly gateways?: "add";
  readonly reason: string;
  readonly cooldownMs: number;
  /** How far back samples reach that count. */
  readonly historyMs: number;
  readonly signals: readonly Signal[];
}

type Choice = Pick<Advice, "advice" | "region" | "cell" | "workers" | "reason">;

const GATEWAYS = "gateways";
const OF_GATEWAYS = ["cpu", "fill", "lagMs"] as const;

export function advise(situation: Situation, policy: Policy): Advice {
  const { samples, now, operation, sinceChangeMs } = situation;
  const signals = signalsOf(situation, policy);
  const historyMs = covered(samples, policy.sampleMs, now);
  const cooldownMs = sinceChangeMs === null ? 0 : Math.max(0, policy.cooldownMs - sinceChangeMs);
  const busyGateways = signals.filter((signal) => signal.of === GATEWAYS && signal.state === "high");
  const choice = choose(situation, policy, signals, busyGateways);
  const held = choice.advice === "none" ? null : heldBack(operation, cooldownMs);
  const { advice, ...rest } = choice;
  return {
    ...(held === null
      ? choice
      : { advice: "none" as const, reason: `${held}; otherwise: ${advice}, since ${rest.reason}` }),
    ...(busyGateways.length > 0 ? { gateways: "add" as const } : {}),
    cooldownMs,
    historyMs,
    signals,
  };
}

function signalsOf({ samples, now }: Situation, { bands, ...windows }: Policy): Signal[] {
  const last = samples.at(-1);
  if (last === undefined) return [];
  const of = (name: string, names: readonly SignalName[], values: (sample: Sample) => Values | undefined) =>
    names.map((signal) =>
      signalOf({ of: name, name: signal, samples, values, band: bands[signal], windows, now }),
    );
  return [
    ...[...last.regions.keys()].flatMap((region) =>
      of(region, SIGNALS, (sample) => sample.regions.get(region)?.values),
    ),
    ...of(GATEWAYS, OF_GATEWAYS, (sample) => sample.gateways.values),
  ];
}

function heldBack(operation: string | null, cooldownMs: number): string | null {
  if (operation !== null) return `operation ${operation} is under way`;
  if (cooldownMs > 0) return `the cells were changed of late: wait ${span(cooldownMs)}`;
  return null;
}

function choose(
  { samples, now }: Situation,
  policy: Policy,
  signals: readonly Signal[],
  busyGateways: readonly Signal[],
): Choice {
  const last = samples.at(-1);
  if (last === undefined) return nothing("nothing was measured yet");
  if (last.regions.size === 0) return nothing("there is no active cell");
  const of = (region: string) => signals.filter((signal) => signal.of === region);
  for (const [region, sample] of last.regions) {
    const high = of(region).filter(({ state }) => state === "high");
    if (high.length > 0) return grow(region, sample, high, policy);
  }
  if (busyGateways.length > 0)
    return nothing(`gateways are busy, cells are not; add a gateway: ${texts(busyGateways, policy)}`);
  for (const [region, sample] of last.regions) {
    const drained = shrink(region, sample, of(region), policy);
    if (drained !== null) return drained;
  }
  const historyMs = covered(samples, policy.sampleMs, now);
  if (historyMs < policy.upMs)
    return nothing(
      `not enough history: ${span(historyMs)} without a change or a gap, of ${span(policy.upMs)}`,
    );
  const unheard = [...last.regions].flatMap(([region, { values }]) => (values.cpu === null ? [region] : []));
  if (unheard.length > 0) return nothing(`not all cells were heard, in ${unheard.join(", ")}`);
  return nothing("no region was busy all the time, and none idle that could do with fewer cells");
}

function grow(region: string, { cells }: RegionSample, high: readonly Signal[], policy: Policy): Choice {
  const why = texts(high, policy);
  const logIsSlow = high.some(({ name }) => name === "appendMs");
  const [fewest] = [...cells].sort((a, b) => a.workers - b.workers);
  if (!logIsSlow && fewest !== undefined && fewest.workers < policy.maxWorkers) {
    const workers = { cell: fewest.id, count: fewest.workers + 1 };
    const reason = `more workers come first: ${fewest.id} has ${fewest.workers} of at most ${policy.maxWorkers}; ${why}`;
    return { advice: "none", workers, reason };
  }
  const alas = logIsSlow ? "the log is slow, and workers do not help there" : "each cell has all its workers";
  return { advice: "add", region, reason: `${why}; ${alas}` };
}

function shrink(
  region: string,
  { cells }: RegionSample,
  signals: readonly Signal[],
  { bands, downMs }: Policy,
): Choice | null {
  if (cells.length < 2 || signals.some(({ state }) => state !== "low")) return null;
  const workers = cells.reduce((sum, cell) => sum + cell.workers, 0);
  const [cell] = [...cells].sort((a, b) => a.channels - b.channels || (a.id < b.id ? -1 : 1));
  const factor = workers / (workers - cell!.workers);
  const after = signals.flatMap(({ name, highest }) =>
    name === "cpu" || name === "fill" ? [{ name, value: highest! * factor }] : [],
  );
  if (!after.every(({ name, value }) => value <= (bands[name].low + bands[name].high) / 2)) return null;
  const shown = after.map(({ name, value }) => `${textOf(name, value)}`).join(", ");
  return {
    advice: "drain",
    region,
    cell: cell!.id,
    reason: `all signals of ${region} were low for ${span(downMs)}; ${cell!.id} has the fewest channels in memory (${cell!.channels}), and without it there would be ${shown} at most`,
  };
}

function nothing(reason: string): Choice {
  return { advice: "none", reason };
}

function texts(signals: readonly Signal[], { upMs }: Policy): string {
  return signals
    .map(
      ({ of, name, lowest, band }) =>
        `${of}: ${textOf(name, lowest!)} at least for ${span(upMs)}, busy from ${numberOf(name, band.high)}`,
    )
    .join("; ");
}
