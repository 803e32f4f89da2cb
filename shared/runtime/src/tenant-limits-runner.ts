/** Runs {@link TenantLimits}: says and hears usage once a second, and measures how the process does. */
import { existsSync, readFileSync } from "node:fs";
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
  fairStarvation: number;
  log: Logger;
}): RunningLimits {
  const { nats, settings, by, log } = context;
  const fair: FairShareOptions = {
    lagMs: context.fairLagMs,
    utilization: context.fairUtilization,
    starvation: context.fairStarvation,
  };
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
  const stopWatching = watchStrain((strain, now) => limits.strained(strain, now));
  return {
    limits,
    stop: () => {
      clearInterval(say);
      stopWatching();
      subscription.unsubscribe();
    },
  };
}

/** Of this thread, which is the one of the event loop: nanoseconds on a processor, and ready to run without one. */
const SCHEDSTAT = "/proc/self/schedstat";
const hasSchedstat = existsSync(SCHEDSTAT);

/** Milliseconds, since the process began, for which it had to wait for a processor; 0 where the system does not say. */
function starvedMs(): number {
  return hasSchedstat ? Number(readFileSync(SCHEDSTAT, "utf8").split(" ")[1]) / 1e6 : 0;
}

/** Tells now and then how the process did since. */
function watchStrain(tell: (strain: Strain, now: number) => void): () => void {
  let utilized = performance.eventLoopUtilization();
  let starved = starvedMs();
  let [dueAt, lateMs, fired] = [performance.now() + LAG_TIMER_MS, 0, 0];
  let toldAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lateMs += Math.max(0, now - dueAt);
    fired++;
    dueAt = now + LAG_TIMER_MS;
    if (now - toldAt < FAIR_TICK_MS) return;
    const [utilizedBefore, starvedBefore] = [utilized, starved];
    utilized = performance.eventLoopUtilization();
    starved = starvedMs();
    const { utilization } = performance.eventLoopUtilization(utilized, utilizedBefore);
    tell({ lagMs: lateMs / fired, utilization, starvation: (starved - starvedBefore) / (now - toldAt) }, now);
    [lateMs, fired, toldAt] = [0, 0, now];
  }, LAG_TIMER_MS);
  return () => clearInterval(timer);
}
