import { ConfigError, integer, type Options, option } from "@plexus/runtime";
import type { Policy } from "./advise.js";
import type { Band } from "./windows.js";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const percent = integer(1, 1_000);
const ms = integer(1, 60_000);

export const adviceOptions = {
  adviceSampleMs: option({
    env: "PLEXUS_ADVICE_SAMPLE_MS",
    type: integer(1_000, MINUTE_MS),
    default: 10_000,
    doc: "Milliseconds that each sample adds up for the advice on cells: short enough to see a rush, long enough that a hiccup is none.",
  }),
  adviceUpMs: option({
    env: "PLEXUS_ADVICE_UP_MS",
    type: integer(1_000, DAY_MS),
    default: 5 * MINUTE_MS,
    doc: "Milliseconds for which a signal has to be high before a cell, workers or gateways are advised.",
  }),
  adviceDownMs: option({
    env: "PLEXUS_ADVICE_DOWN_MS",
    type: integer(1_000, DAY_MS),
    default: 30 * MINUTE_MS,
    doc: "Milliseconds for which all signals of a region have to be low before a drain is advised; longer, since too few cells hurt more than too many.",
  }),
  adviceCooldownMs: option({
    env: "PLEXUS_ADVICE_COOLDOWN_MS",
    type: integer(0, DAY_MS),
    default: 10 * MINUTE_MS,
    doc: "Milliseconds after a change of the cells in which no other is advised: what the first one did has to show.",
  }),
  adviceMaxWorkers: option({
    env: "PLEXUS_ADVICE_MAX_WORKERS",
    type: integer(1, 64),
    default: 8,
    doc: "Workers of one cell up to which more of them are advised rather than a cell; there are 64 partitions to share.",
  }),
  adviceCpuLow: option({
    env: "PLEXUS_ADVICE_CPU_LOW_PERCENT",
    type: percent,
    default: 30,
    doc: "Percent of a processor core, in the mean of workers or gateways, up to which they are idle.",
  }),
  adviceCpuHigh: option({
    env: "PLEXUS_ADVICE_CPU_HIGH_PERCENT",
    type: percent,
    default: 70,
    doc: "Percent of a core from which they are busy: each does its work on one, and needs room for what comes at once.",
  }),
  adviceFillLow: option({
    env: "PLEXUS_ADVICE_FILL_LOW_PERCENT",
    type: percent,
    default: 40,
    doc: "Percent of the channels that workers may hold, and of the connections that gateways may, up to which they are idle.",
  }),
  adviceFillHigh: option({
    env: "PLEXUS_ADVICE_FILL_HIGH_PERCENT",
    type: percent,
    default: 75,
    doc: "Percent of these from which they are busy, below where alerts go off.",
  }),
  adviceLagLowMs: option({
    env: "PLEXUS_ADVICE_LAG_LOW_MS",
    type: ms,
    default: 5,
    doc: "Milliseconds by which event loops are late, in the mean, up to which processes are idle.",
  }),
  adviceLagHighMs: option({
    env: "PLEXUS_ADVICE_LAG_HIGH_MS",
    type: ms,
    default: 25,
    doc: "Milliseconds by which they are late from which processes are busy.",
  }),
  adviceDelayLowMs: option({
    env: "PLEXUS_ADVICE_DELAY_LOW_MS",
    type: ms,
    default: 20,
    doc: "Milliseconds of p99 mailbox delay, and of p99 append, up to which a region is idle.",
  }),
  adviceDelayHighMs: option({
    env: "PLEXUS_ADVICE_DELAY_HIGH_MS",
    type: ms,
    default: 100,
    doc: "Milliseconds of p99 mailbox delay, and of p99 append, from which a region is busy: well below the objective of 0.25 s.",
  }),
};

/** Throws {@link ConfigError} where a band has no inside. */
export function policyOf(options: Options<typeof adviceOptions>): Policy {
  const cpu = band("CPU", options.adviceCpuLow / 100, options.adviceCpuHigh / 100);
  const fill = band("FILL", options.adviceFillLow / 100, options.adviceFillHigh / 100);
  const lagMs = band("LAG", options.adviceLagLowMs, options.adviceLagHighMs);
  const delay = band("DELAY", options.adviceDelayLowMs, options.adviceDelayHighMs);
  return {
    sampleMs: options.adviceSampleMs,
    upMs: options.adviceUpMs,
    downMs: options.adviceDownMs,
    cooldownMs: options.adviceCooldownMs,
    maxWorkers: options.adviceMaxWorkers,
    bands: { cpu, fill, lagMs, mailboxMs: delay, appendMs: delay },
  };
}

function band(name: string, low: number, high: number): Band {
  if (low < high) return { low, high };
  throw new ConfigError(`PLEXUS_ADVICE_${name}_LOW_… has to be below PLEXUS_ADVICE_${name}_HIGH_…`);
}
