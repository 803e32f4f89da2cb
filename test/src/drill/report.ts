/** What a drill found, and whether that is good. */
import type { ChannelTimes, HistoryResult, LoadResult } from "./load/orders.js";
import { type Spread, spreadOf } from "./spread.js";

/** One change under load. */
export interface ChangeReport {
  drill: string;
  durationMs: number;
  /** From the end of the change until every subscription was there (again). */
  resumedMs: number;
  /** How far the channels had moved when something happened in the middle. */
  interruptedAt?: { moved: number; total: number };
  /** Times from publish to acknowledgement before the change, in ms. */
  baseline: Spread;
  /** Over the channels that moved (over all, if none had to): the longest such time during the change, in ms. */
  pause: Spread;
  /** The same over the channels that stayed. */
  pauseOfOthers: Spread;
  /**
   * Of the channels that stayed: the times of all messages, before the change and during it, in ms; where a cell was
   * lost, also of those alone that were due while it was away and its channels were not taken over yet.
   */
  latencyOfOthers: { before: Spread; away?: Spread; during: Spread };
  /** Channels whose newest record in a cell's log is no seal though they are at home elsewhere, by cell. */
  leftInCell: Record<string, number>;
  /** CPU seconds per kind of process during the change. */
  cpuSeconds: Record<string, number>;
  violations: string[];
}

/** One load with one or more changes. */
export interface DrillReport extends Partial<Omit<ChangeReport, "drill" | "violations">> {
  drill: string;
  channels: number;
  quietChannels: number;
  rate: number;
  published: number;
  acknowledged: number;
  /** Never acknowledged, however often they were sent. */
  failed: number;
  delivered: number;
  lost: number;
  duplicated: number;
  reordered: number;
  /** Seqs that do not follow each other, or are not the acknowledged ones. */
  misnumbered: number;
  disconnected: number;
  /** Subscriptions that went on with word of a hole. */
  unrecovered: number;
  /** Connections that were changed over before the old one was left. */
  changedOver: number;
  /** Clients that use the SDK, and how often their users were shown that a connection or a subscription was gone. */
  sdk: { clients: number; noticed: number };
  /** Requests that were sent again, by what was answered. */
  repeated: Record<string, number>;
  history: { channels: number; messages: number };
  changes?: ChangeReport[];
  ok: boolean;
  violations: string[];
}

/**
 * @param moved the channels that had another home at some time during the change
 * @param awayMs how long a cell was away before its channels were taken over
 */
export function pausesOf(
  channels: readonly ChannelTimes[],
  moved: ReadonlySet<string>,
  awayMs?: number,
): Pick<ChangeReport, "baseline" | "pause" | "pauseOfOthers" | "latencyOfOthers"> {
  const those = moved.size === 0 ? channels : channels.filter(({ channel }) => moved.has(channel));
  const others = moved.size === 0 ? [] : channels.filter(({ channel }) => !moved.has(channel));
  return {
    baseline: spreadOf(channels.flatMap(({ calmMs }) => calmMs)),
    pause: longest(those),
    pauseOfOthers: longest(others),
    latencyOfOthers: {
      before: spreadOf(others.flatMap(({ calmMs }) => calmMs)),
      ...(awayMs !== undefined && { away: during(others, awayMs) }),
      during: during(others, Number.POSITIVE_INFINITY),
    },
  };
}

function during(channels: readonly ChannelTimes[], untilMs: number): Spread {
  const times = channels.flatMap(({ changeMs }) => changeMs.filter(({ dueMs }) => dueMs < untilMs));
  return spreadOf(times.map(({ tookMs }) => tookMs));
}

function longest(channels: readonly ChannelTimes[]): Spread {
  const published = channels.filter(({ changeMs }) => changeMs.length > 0);
  return spreadOf(published.map(({ changeMs }) => Math.max(...changeMs.map(({ tookMs }) => tookMs))));
}

export interface Allowances {
  /** Connections may be cut, or requests stay without an answer. */
  cuts: boolean;
  /** Channels that may go on in another epoch, with word of it. */
  mayStartOver(channel: string): boolean;
}

/** What must not have happened to the load, in words. */
export function violationsOf(load: LoadResult, history: HistoryResult, allowances: Allowances): string[] {
  const { verdict, failed, counters } = load;
  const violations: string[] = [];
  const none = (count: number, what: string) => {
    if (count > 0) violations.push(`${count} ${what}`);
  };
  for (const [what, { lost, duplicated, reordered, misnumbered, findings }] of [
    ["", verdict],
    [" in the history", history.verdict],
  ] as const) {
    none(lost, `lost${what}`);
    none(duplicated, `duplicated${what}`);
    none(reordered, `reordered${what}`);
    none(misnumbered, `misnumbered${what}`);
    violations.push(...findings);
  }
  none(failed, "published and never acknowledged");
  if (!allowances.cuts) {
    none(counters.disconnected, "connections cut");
    none(counters.noticed, "disconnects that users of the SDK were shown");
  }
  const unexcused = load.unrecovered.filter((channel) => !allowances.mayStartOver(channel));
  none(unexcused.length, `unrecovered: ${unexcused.slice(0, 5).join(", ")}`);
  for (const [code, count] of Object.entries(counters.refused))
    if (!RETRIED.has(code) && !(CUT.has(code) && allowances.cuts)) none(count, `answered with ${code}`);
  return violations;
}

/** Answers after which a client sends the same again, and which may come while something is changed. */
const RETRIED = new Set(["unavailable", "timeout", "rate_limited"]);
/** No answer, where connections may be cut. */
const CUT = new Set(["closed", "overdue"]);
