/** Figures as people read them: short, aligned, and a dash where nothing was measured. */

export const UNKNOWN = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const SHORT_FROM = 100_000;

/** Things that are counted. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  return value >= SHORT_FROM ? compact.format(value) : whole.format(value);
}

/** Things per second: with a decimal while they are few. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  return value < 10 ? oneDecimal.format(value) : count(value);
}

/** A duration that was measured in milliseconds. */
export function millis(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (value >= 1_000) return `${oneDecimal.format(value / 1_000)} s`;
  return `${value < 10 ? oneDecimal.format(value) : whole.format(value)} ms`;
}

/** Cores in use, as a share of one. */
export function cores(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : `${whole.format(value * 100)} %`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10));
  return `${oneDecimal.format(value / 1_024 ** power)} ${units[power]}`;
}

/** How long something took or takes: the two largest units. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return `${oneDecimal.format(seconds)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** A time of today as such, an earlier one with its day; in the reader's own time zone unless one is given. */
export function clock(ts: number, now: number, timeZone?: string): string {
  const day = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeZone });
  const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone });
  const isToday = day.format(ts) === day.format(now);
  return isToday ? time.format(ts) : `${day.format(ts)} ${time.format(ts)}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
