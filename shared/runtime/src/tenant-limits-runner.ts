/** Runs {@link TenantLimits}: says and hears usage once a second, and measures how late the event loop is. */
import { subjects } from "@plexus/protocol";
import { FAIR_TICK_MS } from "./fair-share.js";
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
  log: Logger;
}): RunningLimits {
  const { nats, settings, by, fairLagMs, log } = context;
  const limits = new TenantLimits({ settings, by, fair: { lagMs: fairLagMs }, now: performance.now() });
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
  const stopLag = watchLag((lagMs, now) => limits.lagged(lagMs, now));
  return {
    limits,
    stop: () => {
      clearInterval(say);
      stopLag();
      subscription.unsubscribe();
    },
  };
}

/** Tells the mean lateness of a timer now and then. */
function watchLag(tell: (lagMs: number, now: number) => void): () => void {
  let [dueAt, lateMs, fired] = [performance.now() + LAG_TIMER_MS, 0, 0];
  let toldAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lateMs += Math.max(0, now - dueAt);
    fired++;
    dueAt = now + LAG_TIMER_MS;
    if (now - toldAt < FAIR_TICK_MS) return;
    tell(lateMs / fired, now);
    [lateMs, fired, toldAt] = [0, 0, now];
  }, LAG_TIMER_MS);
  return () => clearInterval(timer);
}
