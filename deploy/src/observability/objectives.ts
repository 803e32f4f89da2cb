/** What is promised in numbers, and how fast the allowance for failing may be used up before somebody is told. */

export interface Objective {
  /** Of the recorded series: `plexus_objective:<name>:ratio_rate<window>`. */
  readonly name: string;
  /** Of the alerts: `Plexus<alert>Burn…`. */
  readonly alert: string;
  /** Share that may be bad. */
  readonly allowed: number;
  readonly what: string;
  /** What was bad and what there was, over a window. */
  readonly bad: (window: string) => string;
  readonly all: (window: string) => string;
}

// Refusals that the client or the tenant's limits cause (forbidden, rate_limited and such) are no failures of the service.
const OURS = 'outcome=~"unavailable|timeout|internal"';
const COUNTED = 'outcome=~"ok|unavailable|timeout|internal"';

export const OBJECTIVES: readonly Objective[] = [
  {
    name: "publish_errors",
    alert: "PublishErrors",
    allowed: 0.001,
    what: "publishes fail (unavailable, timeout, internal); the objective is 99.9 % stored",
    bad: (window) => `sum(rate(plexus_publishes_total{${OURS}}[${window}]))`,
    all: (window) => `sum(rate(plexus_publishes_total{${COUNTED}}[${window}]))`,
  },
  {
    name: "publish_slow",
    alert: "PublishSlow",
    allowed: 0.01,
    what: "publishes take longer than 0.25 s from receipt to ok; the objective is 99 % within it",
    bad: (window) =>
      `sum(rate(plexus_publish_seconds_count[${window}])) - sum(rate(plexus_publish_seconds_bucket{le="0.25"}[${window}]))`,
    all: (window) => `sum(rate(plexus_publish_seconds_count[${window}]))`,
  },
  {
    name: "delivery_resets",
    alert: "DeliveryResets",
    allowed: 0.0001,
    what: "records meet a reset: subscribers were told that messages may be missing; the objective is 99.99 % without",
    bad: (window) => `sum(rate(plexus_relay_resets_total[${window}]))`,
    all: (window) => `sum(rate(plexus_relay_records_total[${window}]))`,
  },
];

export interface Burn {
  readonly suffix: string;
  /** How many times faster than what would use up the allowance in 30 days. */
  readonly factor: number;
  readonly long: string;
  /** Ends the alert soon after it is mended. */
  readonly short: string;
  readonly for: string;
  readonly severity: "page" | "ticket";
}

// The windows and factors are those of Google's SRE Workbook, chapter 5: 2 % of 30 days' allowance in an hour,
// 5 % in six hours, 10 % in three days.
export const BURNS: readonly Burn[] = [
  { suffix: "Fast", factor: 14.4, long: "1h", short: "5m", for: "2m", severity: "page" },
  { suffix: "Slow", factor: 6, long: "6h", short: "30m", for: "15m", severity: "page" },
  { suffix: "Creeping", factor: 1, long: "3d", short: "6h", for: "1h", severity: "ticket" },
];

export const WINDOWS: readonly string[] = ["5m", "30m", "1h", "6h", "3d"];
