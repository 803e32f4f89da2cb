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
    "regions",
    "headroom",
    "replicas",
    "prices",
    "explain",
  ],
  summary: "computes what so many users take: cells, workers, gateways, brokers, memory, traffic, a price",
  more: [
    "plexus plan --users 1000000",
    "plexus plan --users 250000 --concurrent 0.3 --regions eu=0.6,us=0.4 --prices prices.json --explain",
    "It is arithmetic: nothing is asked or changed. --explain shows it, and for each figure where it was measured, or",
    "that it is assumed.",
  ],
  // No other command needs what it runs, which takes longer to load than most commands take to run.
  run: async (context) => (await import("./plan-run.js")).runPlan(context),
};
