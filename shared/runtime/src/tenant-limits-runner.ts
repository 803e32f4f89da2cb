/** Runs {@link TenantLimits}: says and hears usage once a second, and measures how the event loop does. */
import { performance } from "node:perf_hooks";
import { subjects } from "@plexus/protocol";
import { FAIR_TICK_MS, type FairShareOptions, type Strain } from "./fair-share.js";
import type { Logger } from "./log.js";
import { type NatsConnection, subscribe } from "./nats.js";
import type { Settings } from "./settings.js";
import { TenantLimits } from "./tenant-limits.js";
import type { UsageMessage } from "./tenant-usage.js";

const SAY_MS = 1_000;
/** A timer of so long is how lateness is measured: often enough to see it, and next to nothing for an idle process. */
const LAG_TIMER_MS = 25;

export interface RunningLimits {
  readonly limits: TenantLimits;
  stop(): void;
}

export function startTenantLimits(context: {
  nats: NatsConnection;
  settings: Settings;
  by: string;
  fairLagMs: number;
  fairUtilization: number;
  log: Logger;
}): RunningLimits {
  const { nats, settings, by, log } = context;
  const fair: FairShareOptions = { lagMs: context.fairLagMs, utilization: context.fairUtilization };
  const limits = new TenantLimits({ settings, by, fair, now: performance.now() });
  const subscription = subscribe(nats, subjects.usage, log, (message) =>
    limits.heard(message.json<UsageMessage>(), performance.now()),
  );
  const say = setInterval(() => {
    for (const message of limits.endSecond(performance.now())) {
      try {
        nats.publish(subjects.usage, JSON.stringify(message));
      } catch (error) {
        log.warn({ err: error }, "usage could not be said");
      }
    }
  }, SAY_MS);
  const stopWatching = watchLoop((strain, now) => limits.strained(strain, now));
  return {
    limits,
    stop: () => {
      clearInterval(say);
      stopWatching();
      subscription.unsubscribe();
    },
  };
}

/** Tells now and then how the event loop did since. */
function watchLoop(tell: (strain: Strain, now: number) => void): () => void {
  let utilized = performance.eventLoopUtilization();
  let [dueAt, lateMs, fired] = [performance.now() + LAG_TIMER_MS, 0, 0];
  let toldAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lateMs += Math.max(0, now - dueAt);
    fired++;
    dueAt = now + LAG_TIMER_MS;
    if (now - toldAt < FAIR_TICK_MS) return;
    const before = utilized;
    utilized = performance.eventLoopUtilization();
    tell(
      { lagMs: lateMs / fired, utilization: performance.eventLoopUtilization(utilized, before).utilization },
      now,
    );
    [lateMs, fired, toldAt] = [0, 0, now];
  }, LAG_TIMER_MS);
  return () => clearInterval(timer);
}
