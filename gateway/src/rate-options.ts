/** How much one connection may do per second. The defaults are far above what one client of an application does. */
import { integer, type Options, option } from "@plexus/runtime";
import type { ConnectionRates } from "./rates.js";

const rate = integer(1, 10_000_000);

export const rateOptions = {
  framesPerSecond: option({
    env: "PLEXUS_FRAMES_PER_SECOND",
    type: rate,
    default: 10_000,
    doc: "Frames of one connection per second, of any kind; those beyond are refused with `rate_limited`.",
  }),
  framesBurst: option({
    env: "PLEXUS_FRAMES_BURST",
    type: rate,
    default: 50_000,
    doc: "Frames that a connection which was quiet may send at once.",
  }),
  publishesPerSecond: option({
    env: "PLEXUS_PUBLISHES_PER_SECOND",
    type: rate,
    default: 5_000,
    doc: "Publishes of one connection per second.",
  }),
  publishesBurst: option({
    env: "PLEXUS_PUBLISHES_BURST",
    type: rate,
    default: 20_000,
    doc: "Publishes that a connection which was quiet may send at once.",
  }),
  signalsPerSecond: option({
    env: "PLEXUS_SIGNALS_PER_SECOND",
    type: rate,
    default: 1_000,
    doc: "Signals and presence states of one connection per second; each may go to everybody in a channel.",
  }),
  signalsBurst: option({
    env: "PLEXUS_SIGNALS_BURST",
    type: rate,
    default: 4_000,
    doc: "Signals and presence states that a connection which was quiet may send at once.",
  }),
  subscriptionsPerSecond: option({
    env: "PLEXUS_SUBSCRIPTIONS_PER_SECOND",
    type: rate,
    default: 500,
    doc: "Requests of one connection per second to subscribe or unsubscribe.",
  }),
  subscriptionsBurst: option({
    env: "PLEXUS_SUBSCRIPTIONS_BURST",
    type: rate,
    default: 4_000,
    doc: "Requests to subscribe or unsubscribe that a connection which was quiet may send at once; never less than twice the channels it may have, since it resumes all of them when it comes back.",
  }),
  readsPerSecond: option({
    env: "PLEXUS_READS_PER_SECOND",
    type: rate,
    default: 1_000,
    doc: "Requests of one connection per second for history or members, and new tokens.",
  }),
  readsBurst: option({
    env: "PLEXUS_READS_BURST",
    type: rate,
    default: 5_000,
    doc: "Requests for history or members, and new tokens, that a connection which was quiet may send at once.",
  }),
};

export function ratesOf(options: Options<typeof rateOptions> & { maxChannels: number }): ConnectionRates {
  return {
    frames: { perSecond: options.framesPerSecond, burst: options.framesBurst },
    publishes: { perSecond: options.publishesPerSecond, burst: options.publishesBurst },
    signals: { perSecond: options.signalsPerSecond, burst: options.signalsBurst },
    subscriptions: {
      perSecond: options.subscriptionsPerSecond,
      burst: Math.max(options.subscriptionsBurst, 2 * options.maxChannels),
    },
    reads: { perSecond: options.readsPerSecond, burst: options.readsBurst },
  };
}
