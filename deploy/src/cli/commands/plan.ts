/** `plexus plan`: what so many users take, out of the measured cost of each operation. */
import type { Command } from "../command.js";

export const plan: Command = {
  name: "plan",
  args: [],
  options: [
    "users",
    "concurrent",
    "channels-per-user",
    "members",
    "messages-per-day",
    "peak",
    "bytes",
    "retention-days",
    "presence-share",
    "session",
    "joins-per-second",
    "history-reads-per-second",
    "deep-share",
    "bots",
    "messages-per-bot",
    "webhooks-per-second",
    "regions",
    "headroom",
    "replicas",
    "prices",
    "explain",
  ],
  summary: "computes what so many users take: cells, workers, gateways, brokers, memory, traffic, a price",
  examples: [
    "plexus plan --users 1000000",
    "plexus plan --users 1000000 --joins-per-second 200 --history-reads-per-second 500 --bots 2000 --webhooks-per-second 300",
    "plexus plan --users 250000 --concurrent 0.3 --regions eu=0.6,us=0.4 --prices prices.json --explain",
  ],
  more: [
    "It is arithmetic: nothing is asked or changed. --explain shows it, and for each figure where it was measured, or",
    "that it is assumed.",
  ],
  // No other command needs what it runs, which takes longer to load than most commands take to run.
  run: async (context) => (await import("./plan-run.js")).runPlan(context),
};
